package dev.chromacompactor.message;

import static dev.chromacompactor.message.Bodies.example;
import static dev.chromacompactor.message.Bodies.refusal;
import static dev.chromacompactor.message.Bodies.results;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.message.Message.ChunkResult.Empty;
import dev.chromacompactor.message.Message.ChunkResult.Failed;
import dev.chromacompactor.message.Message.ChunkResult.Intermediate;
import dev.chromacompactor.message.Message.DeltaArrived;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.FinalMerge;
import dev.chromacompactor.message.Message.MergeGroup;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.Message.ProcessChunk;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The predecessor's bodies in {@code messages/}: each is read as its note says. */
class ExampleMessagesTest {
    private static final String RUN = "run-1763226888-word";
    private static final String CHUNKS = "chunks/" + RUN + "/chunks.json";
    private static final Intermediate CHUNK_0 = new Intermediate("intermediate/" + RUN + "/chunk-0/");
    private static final Intermediate CHUNK_1 = new Intermediate("intermediate/" + RUN + "/chunk-1/");
    private static final ObjectRef POLL_RESULTS =
            new ObjectRef("demo-chroma", "poll_results/" + RUN + "/poll_results.json");

    @Test
    void final_merge_empties_are_empty_not_failed() throws IOException {
        assertThat(example("final_merge-empties").parse())
                .isEqualTo(new FinalMerge(
                        RUN,
                        "words",
                        List.of(CHUNK_0, new Empty(), new Empty(), new Empty()),
                        null,
                        POLL_RESULTS,
                        false));
    }

    @Test
    void final_merge_one_failed_keeps_the_failed_one() throws IOException {
        var merge = (FinalMerge) example("final_merge-one-failed").parse();
        assertThat(merge.results()).hasSize(2).startsWith(CHUNK_0);
        assertThat(((Failed) results(merge).get(1)).what())
                .contains("chunk_results[1]", "unable to open database file", "group_index 1", "statusCode 500");
    }

    @Test
    void final_merge_seed_date_keeps_the_poll_results() throws IOException {
        assertThat(example("final_merge-seed-date").parse())
                .isEqualTo(new FinalMerge(
                        RUN,
                        "words",
                        List.of(
                                new Intermediate("intermediate/" + RUN + "-group-0-group-0/merged/"),
                                new Intermediate("intermediate/" + RUN + "-group-1-group-1/merged/")),
                        null,
                        POLL_RESULTS,
                        false));
    }

    @Test
    void final_merge_all_is_a_final_merge() throws IOException {
        assertThat(example("final_merge_all-head").parse())
                .isEqualTo(new FinalMerge(RUN, "words", List.of(CHUNK_0, CHUNK_1), null, POLL_RESULTS, false));
    }

    @Test
    void final_merge_single_with_null_is_nothing() throws IOException {
        assertThat(example("final_merge_single-null").parse())
                .isEqualTo(new FinalMerge(RUN, "words", null, null, POLL_RESULTS, true));
    }

    @Test
    void merge_chunk_group_takes_objects_and_strings() throws IOException {
        assertThat(example("merge_chunk_group-inline").parse())
                .isEqualTo(new MergeGroup(RUN + "-group-0", 0, "words", List.of(CHUNK_0, CHUNK_1), null));
    }

    @Test
    void merge_chunk_group_in_s3_is_found_by_position() throws IOException {
        var example = example("merge_chunk_group-s3");
        var groups = "chunk_groups/" + RUN + "/groups.json";
        assertThat(example.parse())
                .isEqualTo(new MergeGroup(RUN + "-group-1", 1, "words", null, new ObjectRef("demo-chroma", groups)));
        assertThat(PlanFiles.group(example.file(groups), 1, groups)).containsExactly(CHUNK_1, new Empty());
    }

    @Test
    void merge_chunk_group_with_a_failed_chunk_names_it() throws IOException {
        var merge = (MergeGroup) example("merge_chunk_group-with-failed-chunk").parse();
        assertThat(merge.inputs()).hasSize(2).startsWith(CHUNK_0);
        assertThat(((Failed) results(merge).get(1)).what()).contains("chunk_group[1]", "chunk_index 1");
    }

    @Test
    void merge_pair_is_a_group_merge() throws IOException {
        assertThat(example("merge_pair").parse())
                .isEqualTo(new MergeGroup(RUN + "-r1", 0, "words", List.of(CHUNK_0, CHUNK_1), null));
    }

    @Test
    void process_chunk_with_a_bare_prefix_is_refused() throws IOException {
        var example = example("process_chunk-bare-prefix");
        var failure = refusal(example::parse);
        assertThat(failure.reason()).isEqualTo("invalid-value");
        assertThat(failure.message()).startsWith("delta_results[0].delta_key").contains("words/delta/");
    }

    @Test
    void process_chunk_with_chunk_indices_is_batched() throws IOException {
        var example = example("process_chunk-chunk_indices");
        assertThat(example.parse())
                .isEqualTo(new ProcessChunk(
                        RUN, List.of(4, 5, 6), true, "words", null, new ObjectRef("demo-chroma", CHUNKS)));
        assertThat(PlanFiles.chunk(example.file(CHUNKS), 4, CHUNKS)).containsExactly(words(4));
        assertThat(PlanFiles.chunk(example.file(CHUNKS), 5, CHUNKS)).containsExactly(words(5));
        assertThat(PlanFiles.chunk(example.file(CHUNKS), 6, CHUNKS)).isEmpty();
    }

    @Test
    void process_chunk_without_deltas_has_an_empty_list() throws IOException {
        assertThat(example("process_chunk-empty").parse())
                .isEqualTo(new ProcessChunk(RUN, List.of(2), false, "words", List.of(), null));
    }

    @Test
    void process_chunk_without_a_batch_is_refused() throws IOException {
        var example = example("process_chunk-no-batch");
        var failure = refusal(example::parse);
        assertThat(failure.reason()).isEqualTo("missing-field");
        assertThat(failure.message()).isEqualTo("batch_id is missing");
    }

    @Test
    void process_chunk_says_where_the_records_go() throws IOException {
        var chunk = (ProcessChunk) example("process_chunk-rename-lines").parse();
        assertThat(chunk.deltas())
                .containsExactly(
                        new DeltaRef(null, "lines/delta/00000000000000000000000000000009/", "lines", 109L, null));
    }

    @Test
    void process_chunk_of_today_ignores_embedded_items() throws IOException {
        var example = example("process_chunk-s3-head");
        assertThat(example.parse())
                .isEqualTo(
                        new ProcessChunk(RUN, List.of(1), false, "words", null, new ObjectRef("demo-chroma", CHUNKS)));
        assertThat(PlanFiles.chunk(example.file(CHUNKS), 1, CHUNKS)).containsExactly(words(2));
    }

    @Test
    void process_chunk_with_a_missing_index_is_refused() throws IOException {
        var example = example("process_chunk-s3-index-missing");
        var chunk = (ProcessChunk) example.parse();
        assertThat(chunk.chunkIndices()).containsExactly(7);
        var failure = refusal(() -> PlanFiles.chunk(example.file(CHUNKS), 7, CHUNKS));
        assertThat(failure.reason()).isEqualTo("chunk-not-found");
        assertThat(failure.message()).contains(CHUNKS, "chunk_index 7");
    }

    @Test
    void process_chunk_of_the_seed_date_is_found_by_value() throws IOException {
        var example = example("process_chunk-s3-seed-date");
        assertThat(example.parse())
                .isEqualTo(
                        new ProcessChunk(RUN, List.of(3), false, "words", null, new ObjectRef("demo-chroma", CHUNKS)));
        assertThat(PlanFiles.chunk(example.file(CHUNKS), 3, CHUNKS)).containsExactly(words(3), words(4));
    }

    @Test
    void process_chunk_of_an_archive_below_a_prefix_is_that_prefix() throws IOException {
        assertThat(example("process_chunk-tarball").parse())
                .isEqualTo(new ProcessChunk(
                        RUN,
                        List.of(0),
                        false,
                        null,
                        List.of(new DeltaRef(null, "words/delta/5a1e0000-run/", "words", null, null)),
                        null));
    }

    @Test
    void compaction_run_is_one_delta() throws IOException {
        assertThat(example("sqs-compaction-run").parse())
                .isEqualTo(new DeltaArrived(
                        new DeltaRef(null, "words/delta/r-77/", "words", null, null), null, "r-77", null));
    }

    @Test
    void delta_notification_is_one_delta() throws IOException {
        assertThat(example("sqs-delta-notification").parse())
                .isEqualTo(new DeltaArrived(
                        new DeltaRef(null, "words/delta/00000000000000000000000000000007/", "words", 25L, null),
                        "words",
                        "openai-0007",
                        null));
    }

    @Test
    void word_label_is_not_ours() throws IOException {
        var example = example("sqs-word-label");
        var failure = refusal(example::parse);
        assertThat(failure.reason()).isEqualTo("stream-message");
        assertThat(failure.message()).contains("RECEIPT_WORD_LABEL");
    }

    @Test
    void unknown_operation_is_named() throws IOException {
        var example = example("unknown-operation");
        var failure = refusal(example::parse);
        assertThat(failure.reason()).isEqualTo("unknown-operation");
        assertThat(failure.message()).startsWith("operation ").contains("\"split\"");
    }

    private static DeltaRef words(int n) {
        return new DeltaRef(null, "words/delta/" + "0".repeat(31) + n + "/", "words", 100L + n, null);
    }
}
