package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnqueueCommandTest {
    @TempDir
    static Path scratch;

    private static Stage stage;

    @BeforeAll
    static void start() {
        stage = new Stage(scratch);
    }

    @AfterAll
    static void stop() {
        stage.close();
    }

    private static long waiting() {
        return stage.connection().queue().depth().visible();
    }

    @Test
    void a_dry_run_shows_the_plan_and_writes_nothing() throws Exception {
        stage.upload("small_wal", scratch, "dry/delta/one/");
        stage.upload("small_wal", scratch, "dry/delta/two/");
        long before = waiting();

        String[] args = {"enqueue", "--database", "dry", "--prefix", "dry/delta/", "--batch", "dry-1", "--dry-run"};
        var text = stage.run(args).ended(0);
        assertThat(text.out())
                .startsWith("would send batch dry-1: 2 deltas")
                .contains("chunk 0", "dry/delta/one/", "nothing was written");

        JsonNode json = stage.run(
                        "enqueue",
                        "--database",
                        "dry",
                        "--prefix",
                        "dry/delta/",
                        "--chunk-size",
                        "1",
                        "--dry-run",
                        "--json")
                .ended(0)
                .json();
        assertThat(json.get("dry_run").asBoolean()).isTrue();
        assertThat(json.get("policy").asText()).isEqualTo("publish");
        assertThat(json.get("chunks").toString()).isEqualTo("[[\"dry/delta/one/\"],[\"dry/delta/two/\"]]");
        assertThat(json.get("batch_id").asText()).matches("b-\\d{8}-\\d{6}-[0-9a-f]{6}");
        assertThat(json.get("bytes").asLong()).isPositive();

        String[] grouped = {
            "enqueue",
            "--database",
            "dry",
            "--prefix",
            "dry/delta/",
            "--chunk-bytes",
            "1",
            "--group-size",
            "0",
            "--dry-run"
        };
        assertThat(stage.run(grouped).ended(0).out()).contains("in 2 chunks\n").doesNotContain("group");
        stage.upload("small_wal", scratch, "dry/delta/three/");
        grouped[8] = "1";
        assertThat(stage.run(grouped).ended(0).out())
                .contains("in 3 chunks, merged in 3 groups", "group 2: chunks 2 to 2");

        assertThat(waiting()).isEqualTo(before);
        assertThat(stage.store().list("batches/dry-1/")).isEmpty();
        assertThat(stage.store().list("dry/open/")).isEmpty();
    }

    @Test
    void sending_twice_is_one_batch_and_other_content_is_refused() throws Exception {
        stage.upload("small_wal", scratch, "twice/delta/one/");
        String[] args = {"enqueue", "--database", "twice", "--prefix", "twice/delta/", "--batch", "twice-1", "--json"};

        // What is sent again is another trace of the same batch.
        var first = (ObjectNode) stage.run(args).ended(0).json();
        var second = (ObjectNode) stage.run(args).ended(0).json();
        assertThat(second.remove("trace_id")).isNotEqualTo(first.remove("trace_id"));
        assertThat(second).isEqualTo(first);

        JsonNode other = stage.run("enqueue", "--database", "twice", "--prefix", "twice/delta/", "--json")
                .ended(0)
                .json();
        assertThat(other.get("deltas").asInt()).isZero();
        assertThat(other.get("left_out").toString()).isEqualTo("{\"in_open_batch\":1}");

        stage.upload("persisted", scratch, "twice/delta/two/");
        assertThat(stage.run(args).ended(ExitCode.FAILED).err()).contains("batch-id-reused", "twice-1");
    }

    @Test
    void a_key_that_names_nothing_is_named() {
        assertThat(stage.run("enqueue", "--database", "words", "--delta", "words/delta/none")
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("words/delta/none/", "delta-missing");
        assertThat(stage.run("enqueue", "--database", "words", "--prefix", "nothing/here/")
                        .ended(0)
                        .out())
                .contains("nothing lies below nothing/here/");
    }

    @Test
    void watching_ends_with_3_when_a_chunk_is_not_inside_and_at_once_when_the_batch_is_held() throws Exception {
        stage.upload("small_wal", scratch, "watched/delta/good/");
        stage.store().put("watched/delta/bad/chroma.sqlite3", "no database".getBytes(UTF_8));
        stage.upload("small_wal", scratch, "held/delta/good/");
        stage.store().put("held/delta/bad/chroma.sqlite3", "no database".getBytes(UTF_8));

        stage.withWorker(() -> {
            var ran = stage.run(
                            "enqueue",
                            "--database",
                            "watched",
                            "--delta",
                            "watched/delta/good",
                            "--delta",
                            "watched/delta/bad",
                            "--chunk-size",
                            "1",
                            "--batch",
                            "watched-1",
                            "--watch",
                            "--json")
                    .ended(ExitCode.FOUND_SOMETHING);

            JsonNode end = ran.json();
            assertThat(end.get("published").asInt()).isEqualTo(1);
            assertThat(end.get("held").asBoolean()).isFalse();
            JsonNode excused = end.get("excused").get(0);
            assertThat(excused.get("chunk").asText()).isEqualTo("watched-1/1");
            assertThat(excused.get("reason").asText()).isEqualTo("sqlite-corrupt");
            assertThat(excused.get("message").asText()).contains("watched/delta/bad/");

            var held = stage.run(
                            "enqueue",
                            "--database",
                            "held",
                            "--prefix",
                            "held/delta/",
                            "--chunk-size",
                            "1",
                            "--batch",
                            "held-1",
                            "--on-failed-chunk",
                            "hold",
                            "--watch")
                    .ended(ExitCode.FOUND_SOMETHING);

            assertThat(held.out())
                    .contains("0 of 2 chunks published; it is held until all are in", "dlq replay --batch held-1");
            assertThat(stage.store().list("held/snapshot/")).isEmpty();
        });
    }
}
