package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.chroma.ChromaDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EndToEndIT {
    private static final String DATABASE = "story";

    private final Backend backend = backend();
    private final Backend.Queues queues = backend.queues("story-" + UUID.randomUUID());
    private final Map<String, String> environment = backend.environment(queues);

    @TempDir
    private Path directory;

    Backend backend() {
        return Backend.shared();
    }

    @AfterEach
    void removeQueues() {
        backend.delete(queues.url());
        backend.delete(queues.deadLetters());
    }

    @Test
    void deltas_become_a_snapshot_and_a_repaired_one_comes_in_by_replay() throws Exception {
        var keys = SmallDeltas.put(backend.bucket(), DATABASE, 12, directory);
        var broken = keys.get(7) + "chroma.sqlite3";
        var whole = backend.bucket().read(broken).orElseThrow().bytes();
        var _ = backend.bucket().put(broken, "no database".getBytes(StandardCharsets.UTF_8));

        try (var worker = Program.start(environment, "worker")) {
            var sent = run(
                    "enqueue",
                    "--database",
                    DATABASE,
                    "--prefix",
                    DATABASE + "/delta/",
                    "--chunk-size",
                    "4",
                    "--batch",
                    "story-1",
                    "--watch",
                    "--json");
            assertThat(sent.code()).as("something was excused").isEqualTo(3);
            assertThat(sent.json().path("published").asInt()).isEqualTo(2);
            assertThat(sent.json().path("excused")).hasSize(1);

            var letters = run("dlq", "list", "--json").json();
            assertThat(letters.isArray()).isTrue();
            assertThat(letters).hasSize(1);
            assertThat(letters.get(0).path("reason").asText()).startsWith("sqlite-");
            assertThat(letters.get(0).path("message").asText()).contains(keys.get(7));

            var _ = backend.bucket().put(broken, whole);
            var rehearsal = run("dlq", "replay", "--batch", "story-1", "--json");
            assertThat(rehearsal.code()).isZero();
            assertThat(rehearsal.json().path("dry_run").asBoolean()).isTrue();
            assertThat(backend.messages(queues.deadLetters())).isEqualTo(1);

            assertThat(run("dlq", "replay", "--batch", "story-1", "--yes").code())
                    .isZero();
            await().atMost(Backend.PATIENCE)
                    .until(() -> backend.live(DATABASE).orElseThrow().contents().records() == 12 * SmallDeltas.RECORDS);
            assertThat(run("dlq", "list", "--json").json()).isEmpty();
            assertThat(worker.isAlive()).isTrue();
        }
        theSnapshotIsWhole();
        aDamagedVersionIsFound();
    }

    private void theSnapshotIsWhole() {
        var versions = run("snapshot", "list", "--database", DATABASE, "--json").json();
        // Two were live, one after the other. When both last chunks of a batch send the final merge, the publisher that
        // loses the race leaves its upload behind, which nothing refers to.
        assertThat(versions.get(0).path("live").asBoolean()).isTrue();
        assertThat(versions.get(0).path("seq").asInt()).isEqualTo(2);
        assertThat(versions)
                .filteredOn(each -> each.path("version").equals(versions.get(0).path("base")))
                .hasSize(1);
        assertThat(versions).filteredOn(each -> each.path("live").asBoolean()).hasSize(1);

        var shown = run("snapshot", "show", "--database", DATABASE, "--json").json();
        assertThat(shown.path("version")).isEqualTo(versions.get(0).path("version"));
        assertThat(shown.path("lineage").path("chunks")).hasSize(3);
        assertThat(shown.path("lineage").path("inputs")).hasSize(12);

        assertThat(run("snapshot", "verify", "--database", DATABASE).code()).isZero();
        var out = directory.resolve("downloaded");
        var download = List.of("snapshot", "download", "--database", DATABASE, "--out", out.toString());
        assertThat(run(download.toArray(String[]::new)).code()).isZero();
        try (var database = ChromaDatabase.open(out)) {
            assertThat(database.collections()).hasSize(1);
        }
        assertThat(run(download.toArray(String[]::new)).code()).as("DIR exists").isEqualTo(2);
    }

    private void aDamagedVersionIsFound() {
        var live = backend.live(DATABASE).orElseThrow();
        var old = Objects.requireNonNull(live.base());
        backend.bucket().delete(List.of(DATABASE + "/snapshot/timestamped/" + old + "/chroma.sqlite3"));

        var found = run("snapshot", "verify", "--database", DATABASE, old, "--json");

        assertThat(found.code()).isEqualTo(3);
        assertThat(found.json().path("problems").toString()).contains("chroma.sqlite3");
    }

    @Test
    void exit_codes_say_whose_fault_it_is() {
        assertThat(run("enqueue").code()).as("usage").isEqualTo(2);
        assertThat(run("snapshot", "show", "--database", "unheard-of").code())
                .as("nothing published")
                .isEqualTo(1);
        var unreachable = backend.environment(queues, "AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
        assertThat(Program.run(unreachable, "snapshot", "list", "--database", DATABASE)
                        .code())
                .as("try again later")
                .isEqualTo(75);
    }

    private Program.Result run(String... arguments) {
        return Program.run(environment, arguments);
    }
}
