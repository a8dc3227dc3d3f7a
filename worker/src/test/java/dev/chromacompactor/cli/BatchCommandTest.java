package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker made of three batches, as an operator sees it; what each state means is tried in {@code question}. */
class BatchCommandTest {
    @TempDir
    static Path scratch;

    private static Stage stage;

    @BeforeAll
    static void publish() throws Exception {
        stage = new Stage(scratch.resolve("workers"));
        stage.upload("small_wal", scratch, "words/delta/good/");
        stage.store().put("words/delta/bad/chroma.sqlite3", "no database".getBytes(UTF_8));
        stage.upload("small_wal", scratch, "other/delta/one/");
        stage.withWorker(() -> {
            enqueue("words", "done-1", "words/delta/good").ended(0);
            enqueue("words", "held-1", "words/delta/bad", "--on-failed-chunk", "hold")
                    .ended(ExitCode.FOUND_SOMETHING);
        });
        stage.run("enqueue", "--database", "other", "--prefix", "other/delta/", "--batch", "sent-1")
                .ended(0);
    }

    @AfterAll
    static void stop() {
        stage.close();
    }

    private static Stage.Ran enqueue(String database, String batch, String delta, String... more) {
        var args = new java.util.ArrayList<>(
                List.of("enqueue", "--database", database, "--delta", delta, "--batch", batch, "--watch"));
        args.addAll(List.of(more));
        return stage.run(args.toArray(String[]::new));
    }

    private static Stage.Ran batch(String... args) {
        var all = new java.util.ArrayList<>(List.of("batch"));
        all.addAll(List.of(args));
        return stage.run(all.toArray(String[]::new));
    }

    private static String live() {
        return new String(
                stage.store()
                        .read("words/snapshot/latest-pointer.txt")
                        .orElseThrow()
                        .bytes(),
                UTF_8);
    }

    @Test
    void open_batches_are_listed_with_their_progress() {
        JsonNode all = batch("list", "--json").ended(0).json();
        assertThat(all.findValuesAsText("batch_id")).containsExactly("held-1", "sent-1");
        JsonNode held = all.get(0);
        assertThat(held.get("database").asText()).isEqualTo("words");
        assertThat(held.get("policy").asText()).isEqualTo("hold");
        assertThat(held.get("chunks").asInt()).isEqualTo(1);
        assertThat(held.get("settled").asInt()).isEqualTo(1);
        assertThat(held.get("failed").asInt()).isEqualTo(1);
        assertThat(held.get("inside").asInt()).isZero();
        assertThat(held.get("seconds").asLong()).isBetween(0L, 600L);

        var text = batch("list", "--database", "other").ended(0).out();
        assertThat(text).startsWith("sent-1  other  open for 0 min").contains("0 of 1 chunks settled, 0 inside");
        assertThat(batch("list", "--database", "nobody").ended(0).out()).contains("no batch is open", "--all");
    }

    @Test
    void closed_ones_are_listed_when_asked_for() {
        JsonNode all = batch("list", "--all", "--json").ended(0).json();

        assertThat(all.findValuesAsText("batch_id")).containsExactly("held-1", "sent-1", "done-1");
        assertThat(all.get(2).get("open").asBoolean()).isFalse();
        assertThat(all.get(2).get("version").asText()).isEqualTo(live());
        assertThat(batch("list", "--all", "--database", "words").ended(0).out())
                .contains("done-1  words  closed", "1 chunks inside since " + live());
    }

    @Test
    void one_is_shown_with_its_plan_its_receipts_and_its_history() {
        JsonNode done = batch("show", "done-1", "--json").ended(0).json();
        assertThat(done.get("state").asText()).isEqualTo("inside");
        assertThat(done.get("origin").asText()).isEqualTo("enqueued");
        JsonNode part = done.get("parts").get(0);
        assertThat(part.get("state").asText()).isEqualTo("inside");
        assertThat(part.get("deltas").toString()).isEqualTo("[\"words/delta/good/\"]");
        assertThat(part.get("receipt").get("records").asLong()).isPositive();
        assertThat(part.get("receipt").get("timings").get("fold").isNumber()).isTrue();
        assertThat(done.get("published").get("version").asText()).isEqualTo(live());
        assertThat(batch("show", "done-1").ended(0).out())
                .contains("batch done-1 of words: inside", "done-1/0: inside", " ms", "published.json: " + live());

        JsonNode held = batch("show", "held-1", "--json").ended(0).json();
        assertThat(held.get("parts")
                        .get(0)
                        .get("receipt")
                        .get("failure")
                        .get("reason")
                        .asText())
                .isEqualTo("sqlite-corrupt");
        assertThat(held.get("published").isNull()).isTrue();
        assertThat(batch("show", "nobody").ended(ExitCode.FAILED).err())
                .contains("batch-unknown", "batch explain nobody");
    }

    @Test
    void why_one_is_not_published_is_explained_and_the_exit_code_says_whether_it_is() {
        assertThat(batch("explain", "done-1").ended(0).out()).isEqualTo("""
                        batch done-1 of words: inside
                          all of it is in the live version, since %s
                          to do: nothing
                        """.formatted(live()));

        JsonNode held = batch("explain", "held-1", "--json")
                .ended(ExitCode.FOUND_SOMETHING)
                .json();
        assertThat(held.get("state").asText()).isEqualTo("on-hold");
        assertThat(held.get("do").asText()).contains("compactor dlq replay --batch held-1 --yes");
        assertThat(held.get("outside").get(0).get("obstacle").asText()).isEqualTo("failed");

        assertThat(batch("explain", "sent-1").ended(ExitCode.FOUND_SOMETHING).out())
                .contains("waiting-for-chunks", "sent-1/0: missing");
        assertThat(batch("explain", "nobody").ended(ExitCode.FOUND_SOMETHING).out())
                .startsWith("batch nobody: unknown");
    }

    @Test
    void what_is_over_is_watched_no_longer() {
        assertThat(batch("watch", "done-1", "--json")
                        .ended(0)
                        .json()
                        .get("event")
                        .asText())
                .isEqualTo("end");
        assertThat(batch("watch", "held-1").ended(ExitCode.FOUND_SOMETHING).out())
                .contains("it is held until all are in");
        assertThat(batch("watch", "nobody").ended(ExitCode.FAILED).err()).contains("batch-unknown");
    }

    @Test
    void a_delta_is_found_by_its_key_or_its_address() {
        for (String delta : List.of(
                "words/delta/good", "words/delta/good/", "s3://" + stage.store().bucket() + "/words/delta/good")) {
            JsonNode inside = stage.run("snapshot", "contains", "--database", "words", delta, "--json")
                    .ended(0)
                    .json();
            assertThat(inside.get("state").asText()).as(delta).isEqualTo("inside");
            assertThat(inside.get("version").asText()).isEqualTo(live());
            assertThat(inside.get("chunk").asText()).isEqualTo("done-1/0");
        }
        assertThat(stage.run("snapshot", "contains", "--database", "words", "words/delta/bad")
                        .ended(ExitCode.FOUND_SOMETHING)
                        .out())
                .contains("words/delta/bad/: waiting", "held-1/0, which failed: sqlite-corrupt");
        assertThat(stage.run("snapshot", "contains", "--database", "words", "words/delta/none")
                        .ended(ExitCode.FOUND_SOMETHING)
                        .out())
                .contains("not-there");
    }
}
