package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DlqCommandTest {
    private static int tests;

    /** Of this test alone. */
    private final String database = "words-" + tests++;

    private final String poison =
            "{\"operation\":\"process_chunk\",\"batch_id\":\"b-1\",\"chunk_index\":\"one\",\"database\":\"" + database
                    + "\"}";
    private final String unknown =
            "{\"operation\":\"levitate\",\"batch_id\":\"b-2\",\"database\":\"" + database + "\"}";

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

    /** Two letters; other tests leave theirs. */
    @BeforeEach
    void letters() {
        var letters = stage.connection().deadLetterQueue().letters("test", InstantSource.system());
        letters.send(poison, new Failure(Blame.INPUT, "field-wrong", "chunk_index is not a whole number"));
        letters.send(unknown, new Failure(Blame.INPUT, "unknown-operation", "operation levitate is unknown"));
    }

    private JsonNode list(String... filter) {
        var args = new ArrayList<>(List.of("dlq", "list", "--json", "--database", database));
        args.addAll(List.of(filter));
        return stage.run(args.toArray(String[]::new)).ended(0).json();
    }

    @Test
    void the_list_says_why_and_leaves_the_letters_where_they_are() {
        JsonNode letters = list();

        assertThat(letters.isArray()).isTrue();
        assertThat(letters).hasSize(2).isEqualTo(list());
        assertThat(letters.findValuesAsText("body")).containsExactlyInAnyOrder(poison, unknown);
        for (JsonNode letter : letters) {
            assertThat(letter.get("reason").asText()).isNotBlank();
            assertThat(letter.get("class").asText()).isEqualTo("input");
            assertThat(letter.get("sent_at").asText()).matches("\\d{4}-.*Z");
            assertThat(letter.get("failure").get("failed_at").asText()).matches("\\d{4}-.*Z");
        }

        assertThat(stage.run("dlq", "list", "--database", database).ended(0).out())
                .contains("chunk_index", "levitate", "2 dead letters: ");
    }

    @Test
    void filters_choose() {
        assertThat(list("--batch", "b-1", "--reason", "field-wrong")).hasSize(1);
        assertThat(list("--operation", "levitate", "--class", "INPUT", "--batch", "b-2", "--younger-than", "PT1H"))
                .hasSize(1);
        assertThat(stage.run("dlq", "list", "--older-than", "PT1H").ended(0).out())
                .isEqualTo("no dead letters\n");
    }

    @Test
    void one_letter_is_shown_whole_and_an_unknown_id_is_refused() {
        JsonNode letter = list("--batch", "b-1").get(0);
        String id = letter.get("id").asText();

        assertThat(stage.run("dlq", "show", id).ended(0).out())
                .contains(id, letter.get("reason").asText(), "fingerprint", "verdict", poison);
        JsonNode shown = stage.run("dlq", "show", id, "--json").ended(0).json();
        assertThat(shown.get("failure").get("verdict").asText()).isEqualTo("permanent");

        assertThat(stage.run("dlq", "show", "nobody").ended(ExitCode.FAILED).err())
                .contains("no dead letter has id nobody", "dlq list");
    }

    @Test
    void replay_is_a_dry_run_unless_told_otherwise() {
        JsonNode dry = stage.run("dlq", "replay", "--database", database, "--batch", "b-2", "--json")
                .ended(0)
                .json();
        assertThat(dry.get("dry_run").asBoolean()).isTrue();
        assertThat(dry.get("taken").asInt()).isZero();
        assertThat(dry.get("letters")).hasSize(1);
        assertThat(list()).hasSize(2);

        assertThat(stage.run("dlq", "replay", "--database", database, "--batch", "b-2", "--yes")
                        .ended(0)
                        .out())
                .contains("letters sent back to the queue: 1");
        assertThat(list()).hasSize(1);
        assertThat(stage.connection().queue().depth().visible()).isEqualTo(1);
        assertThat(stage.run("dlq", "replay", "--rate", "0", "--yes")
                        .ended(ExitCode.USAGE)
                        .err())
                .contains("--rate");
    }

    @Test
    void drop_is_a_dry_run_unless_told_otherwise() {
        assertThat(stage.run("dlq", "drop", "--database", database, "--batch", "b-1")
                        .ended(0)
                        .out())
                .contains("nothing was done, --yes does it");

        assertThat(stage.run("dlq", "drop", "--database", database, "--batch", "b-1", "--yes")
                        .ended(0)
                        .out())
                .contains("letters dropped: 1");
        assertThat(list().findValuesAsText("batch_id")).containsExactly("b-2");
    }
}
