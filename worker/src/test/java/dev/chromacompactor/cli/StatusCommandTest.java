package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StatusCommandTest {
    @TempDir
    Path scratch;

    private Stage stage;

    @BeforeEach
    void start() {
        stage = new Stage(scratch);
    }

    @AfterEach
    void stop() {
        stage.close();
    }

    private JsonNode status(int code) {
        return stage.run("status", "--json").ended(code).json();
    }

    @Test
    void nothing_going_on_is_one_quiet_screen() {
        assertThat(stage.run("status").ended(0).out()).isEqualTo("""
                queue          0 waiting, 0 in work, 0 delayed
                dead letters   none
                needs you      nothing
                """);
        assertThat(status(0).get("attention")).isEmpty();
    }

    @Test
    void work_that_waits_is_shown_and_needs_nobody() throws Exception {
        stage.upload("small_wal", scratch, "words/delta/one/");
        stage.run("enqueue", "--database", "words", "--prefix", "words/delta/", "--batch", "b-1")
                .ended(0);
        JsonNode status = status(0);
        assertThat(status.get("queue").get("waiting").asInt()).isEqualTo(1);
        JsonNode words = status.get("databases").get(0);
        assertThat(words.get("name").asText()).isEqualTo("words");
        assertThat(words.get("version").isNull()).isTrue();
        JsonNode open = words.get("open").get(0);
        assertThat(open.get("batch").asText()).isEqualTo("b-1");
        assertThat(open.get("chunks").asInt()).isEqualTo(1);
        assertThat(open.get("missing").asInt()).isEqualTo(1);
        assertThat(open.get("open_seconds").asLong()).isBetween(0L, 60L);
        assertThat(stage.run("status").ended(0).out())
                .contains("words: nothing published yet", "open batch", "b-1: 0 of 1 chunks folded, for 0 min");
    }

    @Test
    void dead_letters_are_counted_by_reason_and_need_a_person() {
        var letters = stage.connection().deadLetterQueue().letters("test", InstantSource.system());
        for (String reason : List.of("sqlite-corrupt", "sqlite-corrupt", "index-torn")) {
            letters.send("{}", new Failure(Blame.INPUT, reason, "as the test says"));
        }
        JsonNode status = status(ExitCode.FOUND_SOMETHING);
        assertThat(status.get("letters").get("count").asInt()).isEqualTo(3);
        assertThat(status.get("letters").get("reasons").get("sqlite-corrupt").asInt())
                .isEqualTo(2);
        assertThat(status.get("attention").get(0).asText()).contains("3 dead letters", "compactor dlq list");
        assertThat(stage.run("status").ended(ExitCode.FOUND_SOMETHING).out())
                .contains("3: 2 sqlite-corrupt, 1 index-torn");
    }

    @Test
    void a_database_that_contradicts_itself_needs_a_person_and_hides_no_other() {
        stage.store().put("broken/snapshot/latest-pointer.txt", "20261124_120000_000001_0badf00d".getBytes(UTF_8));
        stage.store().put("words/delta/x/chroma.sqlite3", new byte[1]);
        JsonNode status = status(ExitCode.FOUND_SOMETHING);
        assertThat(status.get("databases").findValuesAsText("name")).containsExactly("broken", "words");
        assertThat(status.get("databases").get(0).get("trouble").asText()).contains("[pointer-dangling]");
        assertThat(status.get("attention").get(0).asText()).contains("broken: nothing is published");
    }

    @Test
    void what_is_live_is_named_with_its_records() throws Exception {
        stage.upload("small_wal", scratch, "words/delta/one/");
        stage.withWorker(() -> stage.run(
                        "enqueue", "--database", "words", "--prefix", "words/delta/", "--batch", "b-1", "--watch")
                .ended(0));
        JsonNode words = status(0).get("databases").get(0);
        assertThat(words.get("version").asText()).matches("\\d{8}_\\d{6}_000001_[0-9a-f]{8}");
        assertThat(words.get("records").asInt()).isPositive();
        assertThat(words.get("open")).isEmpty();
    }

    @Test
    void it_needs_queue_letters_and_bucket() {
        assertThat(Stage.run(Map.of(), "status").ended(ExitCode.CONFIGURATION).err())
                .contains(Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET);
    }
}
