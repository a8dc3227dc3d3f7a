package dev.chromacompactor.message;

import static dev.chromacompactor.message.Bodies.failure;
import static dev.chromacompactor.message.Bodies.refusal;
import static dev.chromacompactor.message.Bodies.stream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.message.Message.ChunkResult.Empty;
import dev.chromacompactor.message.Message.ChunkResult.Failed;
import dev.chromacompactor.message.Message.ChunkResult.Intermediate;
import dev.chromacompactor.message.Message.DeltaRef;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanFilesTest {
    private static final String FILE = "s3://bkt/plan.json";

    private static List<DeltaRef> chunk(int index, String json) {
        return PlanFiles.chunk(stream(json), index, FILE);
    }

    @Test
    void a_chunk_is_found_by_value_whatever_the_order_of_fields() {
        var plan = "[{'delta_results':[{'delta_key':'w/delta/9/'}],'chunk_index':9},null,"
                + "{'delta_results':[{'embedded_items':[{'delta_key':'x'}],'delta_key':'w/delta/0/'}],'more':{},'chunk_index':0}]";
        assertThat(chunk(0, plan)).containsExactly(new DeltaRef(null, "w/delta/0/", null, null, null));
        assertThat(chunk(9, plan)).containsExactly(new DeltaRef(null, "w/delta/9/", null, null, null));
    }

    @Test
    void what_is_wrong_with_other_chunks_does_not_matter() {
        assertThat(
                        chunk(
                                1,
                                "[{'chunk_index':0,'delta_results':[{'delta_key':null}]},"
                                        + "{'delta_results':7,'chunk_index':2},{'chunk_index':'1'},7,{'chunk_index':1,'delta_results':[]}]"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "chunk-not-found | chunk_index 1 | [{'chunk_index':0,'delta_results':[]},{'chunk_index':2,'delta_results':[]}]",
                "chunk-not-found | 0 entries | []",
                "chunk-not-found | chunk_index 1 | [{'chunk_index':'1','delta_results':[]}]",
                "chunk-ambiguous | [1] has chunk_index 1 | [{'chunk_index':1,'delta_results':[]},{'chunk_index':1,'delta_results':[]}]",
                "missing-field | [0].delta_results | [{'chunk_index':1}]",
                "missing-field | [0].delta_results | [{'chunk_index':1,'delta_results':null}]",
                "wrong-type | [0].delta_results | [{'chunk_index':1,'delta_results':{}}]",
                "missing-field | [1].delta_results[1].delta_key | [{},{'chunk_index':1,'delta_results':[{'delta_key':'w/delta/a'},{}]}]",
                "wrong-type | [0].delta_results[0].delta_key | [{'chunk_index':1,'delta_results':[{'delta_key':{'deep':[1]}}]}]",
                "invalid-value | [0].delta_results[0].delta_key | [{'delta_results':[{'delta_key':'w/delta/'}],'chunk_index':1}]",
                "plan-invalid | must be a list | {'chunks':[]}",
                "plan-invalid | must be a list | ``",
                "plan-not-json | line 1, column | [{'chunk_index':1,'delta_results':[]},",
                "plan-not-json | line 1, column | [{'chunk_index':1,'delta_results':[]} x]",
                "plan-not-json | follows | [{'chunk_index':1,'delta_results':[]}] []",
                "plan-not-json | chunk_index | [{'chunk_index':1,'chunk_index':2,'delta_results':[]}]",
            })
    void a_wrong_plan_is_refused_by_file_and_field(String reason, String names, String plan) {
        var failure = failure(() -> chunk(1, plan));
        assertThat(failure.message()).startsWith(FILE + ": ").contains(names);
        assertThat(failure.reason()).isEqualTo(reason);
        assertThat(failure.blame()).isEqualTo(plan.endsWith(",") ? Blame.DOUBTFUL : Blame.INPUT);
    }

    @Test
    void nesting_and_numbers_are_bounded() {
        var nested = "[{'chunk_index':0,'embedded_items':" + "[".repeat(100_000);
        assertThat(refusal(() -> chunk(1, nested)).reason()).isEqualTo("plan-too-complex");
        var number = "[{'chunk_index':" + "1".repeat(5_000) + "}]";
        assertThat(refusal(() -> chunk(1, number)).reason()).isEqualTo("plan-too-complex");
        var huge = "[{'chunk_index':1e999999999,'delta_results':[]}]";
        assertThat(refusal(() -> chunk(1, huge)).reason()).isEqualTo("chunk-not-found");
    }

    @Test
    void a_broken_stream_is_no_fault_of_the_input() throws IOException {
        var broken = InputStream.nullInputStream();
        broken.close();
        var failure = failure(() -> PlanFiles.chunk(broken, 1, FILE));
        assertThat(failure.blame()).isEqualTo(Blame.DEPENDENCY);
        assertThat(failure.message()).contains(FILE, "Stream closed");
    }

    /** 200 MB with embedded items go by in a heap that could not hold them as a tree many times over. */
    @Test
    void a_large_plan_is_streamed() {
        var item = "{\"image_id\":\"0d1c2b3a-0000-4000-8000-000000000001\",\"receipt_id\":1,\"line_id\":2},";
        var items = item.repeat(2_500).getBytes(StandardCharsets.UTF_8);
        int chunks = 1_000;
        var parts = IntStream.range(0, chunks)
                .boxed()
                .flatMap(i -> List.of(
                        text((i == 0 ? "[" : ",") + "{\"chunk_index\":" + (chunks - 1 - i)
                                + ",\"delta_results\":[{\"embedded_items\":["),
                        (InputStream) new ByteArrayInputStream(items),
                        text("{}],\"delta_key\":\"words/delta/" + (chunks - 1 - i) + "/\"}]}"))
                        .stream());
        Enumeration<InputStream> all = Collections.enumeration(
                Stream.concat(parts, Stream.of(text("]"))).toList());
        assertThat(PlanFiles.chunk(new SequenceInputStream(all), 3, FILE))
                .containsExactly(new DeltaRef(null, "words/delta/3/", null, null, null));
    }

    private static InputStream text(String json) {
        return new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void a_group_is_found_by_position() {
        var plan =
                "[[],[{'intermediate_key':'i/a','extra':[1]},'i/b/',{'empty':true},null],{'pair_index':7,'intermediates':['i/c']}]";
        assertThat(PlanFiles.group(stream(plan), 0, FILE)).isEmpty();
        assertThat(PlanFiles.group(stream(plan), 1, FILE))
                .startsWith(new Intermediate("i/a/"), new Intermediate("i/b/"), new Empty())
                .last()
                .isInstanceOf(Failed.class);
        assertThat(PlanFiles.group(stream(plan), 2, FILE)).containsExactly(new Intermediate("i/c/"));
        var failure = refusal(() -> PlanFiles.group(stream(plan), 3, FILE));
        assertThat(failure.reason()).isEqualTo("group-not-found");
        assertThat(failure.message()).contains(FILE, "position 3", "3 groups");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "missing-field | [0] is null | [null]",
                "wrong-type | [0] must be a list | ['intermediate/b/chunk-0/']",
                "wrong-type | [0][1] must be an object | [['i/a',7]]",
                "missing-field | [0].chunk_group | [{}]",
                "invalid-value | [0][0].intermediate_key | [[{'intermediate_key':'../x'}]]",
                "plan-not-json | column | [[]]]",
            })
    void a_wrong_group_is_refused_by_file_and_place(String reason, String names, String plan) {
        var failure = refusal(() -> PlanFiles.group(stream(plan), 0, FILE));
        assertThat(failure.message()).startsWith(FILE + ": ").contains(names);
        assertThat(failure.reason()).isEqualTo(reason);
    }
}
