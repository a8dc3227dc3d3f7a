package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.control.Pauses;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pause, resume and status, as operators use them one after the other. */
class PauseCommandTest {
    private static final Instant NOON = Instant.parse("2026-11-24T12:00:00Z");

    @TempDir
    static Path scratch;

    private static Stage stage;
    private static int tests;

    private final String database = "words-" + tests++;
    private Instant now = NOON;

    @BeforeAll
    static void start() {
        stage = new Stage(scratch);
    }

    @AfterAll
    static void stop() {
        stage.close();
    }

    @AfterEach
    void everything_goes_on() {
        new Pauses(stage.store(), InstantSource.system()).remove(null);
    }

    private Stage.Ran run(String... args) {
        return Stage.run(stage.environment(), false, () -> now, args);
    }

    private JsonNode status(int code) {
        return run("status", "--json").ended(code).json();
    }

    private List<String> paused() {
        var paused = new ArrayList<String>();
        run("status", "--json")
                .json()
                .get("pauses")
                .forEach(each -> paused.add(
                        each.get("database").isNull()
                                ? "everything"
                                : each.get("database").asText()));
        return paused;
    }

    @Test
    void everything_is_paused_shown_and_resumed() {
        var pause = run("pause", "--reason", "bucket moves", "--json").ended(0).json();
        assertThat(pause.get("reason").asText()).isEqualTo("bucket moves");
        assertThat(pause.get("since").asText()).isEqualTo("2026-11-24T12:00:00Z");
        assertThat(pause.get("by").asText()).isEqualTo(System.getProperty("user.name"));
        assertThat(stage.store().read("control/pause.json")).isPresent();

        assertThat(paused()).containsExactly("everything");
        assertThat(run("status").out()).contains("everything: bucket moves", "until somebody resumes");

        assertThat(run("resume").ended(0).out()).contains("resumed: polling and publishing", "bucket moves");
        assertThat(paused()).isEmpty();
        assertThat(stage.store().read("control/pause.json")).isEmpty();
    }

    @Test
    void resuming_what_is_not_paused_says_so() {
        assertThat(run("resume").ended(0).out()).isEqualTo("polling and publishing was not paused\n");
        var resumed = run("resume", "--database", database, "--json").ended(0).json();
        assertThat(resumed.get("resumed").asBoolean()).isFalse();
    }

    @Test
    void a_pause_replaces_the_one_before_and_says_which_that_was() {
        run("pause", "--reason", "bucket moves").ended(0);
        assertThat(run("pause", "--reason", "and is renamed").ended(0).out())
                .contains("instead of the pause before: bucket moves");
        assertThat(run("status").out()).contains("and is renamed").doesNotContain("bucket moves");
    }

    @Test
    void a_pause_with_an_end_ends_by_itself() {
        var pause = run("pause", "--until", "PT2H", "--reason", "x", "--json")
                .ended(0)
                .json();
        assertThat(pause.get("until").asText()).isEqualTo("2026-11-24T14:00:00Z");
        assertThat(paused()).containsExactly("everything");
        now = NOON.plusSeconds(7200);
        assertThat(paused()).isEmpty();
        assertThat(run("resume").ended(0).out()).contains("was not paused", "had ended by itself");

        run("pause", "--until", "2026-11-24T17:00:00+01:00", "--reason", "x").ended(0);
        assertThat(paused()).containsExactly("everything");
    }

    @ParameterizedTest
    @ValueSource(strings = {"tomorrow", "PT-2H", "2026-11-24T11:59:59Z", "2026-11-24T14:00:00", "P1Y"})
    void an_end_that_is_none_is_refused(String until) {
        assertThat(run("pause", "--until", until, "--reason", "x")
                        .ended(ExitCode.USAGE)
                        .err())
                .contains("--until");
        assertThat(paused()).isEmpty();
    }

    @Test
    void a_reason_is_needed() {
        assertThat(run("pause").ended(ExitCode.USAGE).err()).contains("--reason");
        assertThat(run("pause", "--reason", " ").ended(ExitCode.USAGE).err()).contains("--reason");
        assertThat(run("pause", "--database", "../x", "--reason", "x")
                        .ended(ExitCode.USAGE)
                        .err())
                .contains("--database");
    }

    @Test
    void waiting_returns_at_once_where_nothing_can_land() {
        var pause = run("pause", "--reason", "x", "--wait", "--json").ended(0).json();
        assertThat(pause.get("may_land")).isEmpty();
        assertThat(run("pause", "--reason", "x", "--json")
                        .ended(0)
                        .json()
                        .get("may_land")
                        .isNull())
                .isTrue();
    }

    @Test
    void the_publish_of_one_database_is_put_off_by_a_worker_and_asked_for_anew_on_resume() throws Exception {
        String prefix = database + "/delta/";
        stage.upload("small_wal", scratch, prefix + "one/");
        run("pause", "--database", database, "--reason", "labels are being written")
                .ended(0);
        stage.withWorker(() -> {
            Stage.run(
                            stage.environment(),
                            "enqueue",
                            "--database",
                            database,
                            "--prefix",
                            prefix,
                            "--batch",
                            "b-" + database)
                    .ended(0);
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> stage.connection().queue().depth().inFlight() == 1
                            && stage.store()
                                    .head("batches/b-" + database + "/chunk-0.json")
                                    .isPresent());
            JsonNode held = find(run("status", "--json").ended(0).json().get("databases"));
            assertThat(held.get("version").isNull()).isTrue();
            assertThat(held.get("open").get(0).get("missing").asInt()).isZero();

            var resumed =
                    run("resume", "--database", database, "--json").ended(0).json();
            assertThat(resumed.get("sent").get(0).asText()).isEqualTo("b-" + database);
            await().atMost(Duration.ofMinutes(1))
                    .until(() ->
                            !find(status(0).get("databases")).get("version").isNull());
        });
    }

    private JsonNode find(JsonNode databases) {
        for (JsonNode each : databases) {
            if (each.get("name").asText().equals(database)) {
                return each;
            }
        }
        throw new AssertionError(database + " is not in " + databases);
    }

    @Test
    void resume_says_what_stays_paused() {
        stage.store().put(database + "/delta/x/chroma.sqlite3", new byte[1]);
        run("pause", "--reason", "bucket moves").ended(0);
        run("pause", "--database", database, "--reason", "labels").ended(0);
        assertThat(paused()).containsExactly("everything", database);

        assertThat(run("resume", "--database", database).ended(0).out()).contains("everything is paused still");
        run("pause", "--database", database, "--reason", "labels").ended(0);
        assertThat(run("resume").ended(0).out()).contains("still paused by themselves: " + database);
        run("resume", "--database", database).ended(0);
    }

    @Test
    void an_unreadable_pause_needs_a_person() {
        stage.store().put("control/pause.json", new byte[] {'?'});
        var status = status(ExitCode.FOUND_SOMETHING);
        assertThat(status.get("attention").get(0).asText()).contains("control/pause.json", "cannot be read");
        assertThat(run("resume").ended(0).out()).contains("resumed");
    }
}
