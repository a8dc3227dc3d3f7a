package dev.chromacompactor.message;

import static dev.chromacompactor.message.Bodies.json;
import static dev.chromacompactor.message.Bodies.parse;
import static dev.chromacompactor.message.Bodies.refusal;
import static dev.chromacompactor.message.Bodies.results;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.ChunkResult.Empty;
import dev.chromacompactor.message.Message.ChunkResult.Failed;
import dev.chromacompactor.message.Message.ChunkResult.Intermediate;
import dev.chromacompactor.message.Message.DeltaArrived;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.FinalMerge;
import dev.chromacompactor.message.Message.MergeGroup;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.Message.ProcessChunk;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class MessageParserTest {
    @ParameterizedTest(name = "{index} {0}: {2}")
    @MethodSource
    void a_wrong_body_is_refused_by_the_name_of_its_field(String reason, String names, String body) {
        var failure = refusal(() -> parse(body));
        assertThat(failure.message()).contains(json(names));
        assertThat(failure.reason()).isEqualTo(reason);
    }

    static Stream<Arguments> a_wrong_body_is_refused_by_the_name_of_its_field() {
        return Stream.of(
                // No message at all.
                arguments("message-not-json", "empty", ""),
                arguments("message-not-json", "empty", "   "),
                arguments("message-not-json", "line 1, column", "{"),
                arguments("message-not-json", "line 1, column", "process_chunk"),
                arguments("message-not-json", "not JSON", "{'operation':'final_merge','batch_id':'b'} x"),
                arguments("message-not-json", "not JSON", "{'operation':'final_merge','batch_id':'b'}{}"),
                arguments("message-not-json", "not JSON", "{operation:'final_merge'}"),
                arguments("message-not-json", "not JSON", "{'operation':'final_merge','batch_id':NaN}"),
                arguments("message-not-json", "not JSON", "\uFEFF{'operation':'final_merge','batch_id':'b'}"),
                arguments("message-not-json", "not JSON", "{'operation':'final_merge','batch_id':'b',}"),
                arguments("message-not-json", "operation", "{'operation':'process_chunk','operation':'final_merge'}"),
                arguments(
                        "message-not-json",
                        "Duplicate field",
                        "{'operation':'final_merge','batch_id':'b','note':{'x':1,'x':2}}"),
                arguments("message-too-complex", "depth", "[".repeat(100_000)),
                arguments("message-too-complex", "depth", "{'a':".repeat(70) + "1" + "}".repeat(70)),
                arguments("message-too-complex", "length", "{'operation':" + "9".repeat(200) + "}"),
                arguments("message-invalid", "a list", "[]"),
                arguments("message-invalid", "object", "'final_merge'"),
                arguments("message-invalid", "object", "null"),
                arguments("message-invalid", "object", "7"),
                // What to do.
                arguments("missing-field", "operation", "{}"),
                arguments("missing-field", "operation", "{'operation':null,'batch_id':'b'}"),
                arguments("missing-field", "operation", "{'batch_id':'b','chunk_index':0,'delta_results':[]}"),
                arguments("wrong-type", "operation", "{'operation':1}"),
                arguments("wrong-type", "operation", "{'operation':['final_merge']}"),
                arguments("unknown-operation", "operation", "{'operation':''}"),
                arguments("unknown-operation", "'Final_Merge'", "{'operation':'Final_Merge','batch_id':'b'}"),
                arguments("unknown-operation", "\\u0007", "{'operation':'\\u0007','batch_id':'b'}"),
                // Names.
                arguments("missing-field", "batch_id", "{'operation':'final_merge'}"),
                arguments("missing-field", "batch_id", "{'operation':'merge_chunk_group','batch_id':null}"),
                arguments("missing-field", "batch_id", "{'operation':'final_merge_single','single_intermediate':null}"),
                arguments("wrong-type", "batch_id", "{'operation':'final_merge','batch_id':7}"),
                arguments("wrong-type", "batch_id", "{'operation':'final_merge','batch_id':{'id':'b'}}"),
                arguments("invalid-value", "batch_id", "{'operation':'final_merge','batch_id':''}"),
                arguments("invalid-value", "batch_id", "{'operation':'final_merge','batch_id':'.'}"),
                arguments("invalid-value", "batch_id", "{'operation':'final_merge','batch_id':'..'}"),
                arguments("invalid-value", "batch_id", "{'operation':'final_merge','batch_id':'a/b'}"),
                arguments("invalid-value", "batch_id", "{'operation':'final_merge','batch_id':'a b'}"),
                arguments("invalid-value", "batch_id", "{'operation':'final_merge','batch_id':'b\\n'}"),
                arguments("invalid-value", "batch_id", "{'operation':'final_merge','batch_id':'bé'}"),
                arguments(
                        "invalid-value",
                        "batch_id",
                        "{'operation':'final_merge','batch_id':'" + "b".repeat(129) + "'}"),
                arguments("invalid-value", "database", "{'operation':'final_merge','batch_id':'b','database':'..'}"),
                arguments("invalid-value", "database", "{'operation':'final_merge','batch_id':'b','database':'a/b'}"),
                arguments("invalid-value", "database", "{'operation':'final_merge','batch_id':'b','database':''}"),
                arguments("wrong-type", "database", "{'operation':'final_merge','batch_id':'b','database':[]}"),
                // Chunks.
                arguments("missing-field", "chunk_index", "{'operation':'process_chunk','batch_id':'b'}"),
                arguments("wrong-type", "chunk_index", chunk("'chunk_index':'0'")),
                arguments("wrong-type", "chunk_index", chunk("'chunk_index':1.5")),
                arguments("wrong-type", "chunk_index", chunk("'chunk_index':true")),
                arguments("wrong-type", "chunk_index", chunk("'chunk_index':1e400")),
                arguments("wrong-type", "chunk_index", chunk("'chunk_index':99999999999999999999")),
                arguments("invalid-value", "chunk_index", chunk("'chunk_index':-1")),
                arguments("invalid-value", "chunk_index", chunk("'chunk_index':2147483648")),
                arguments("invalid-value", "chunk_indices", chunk("'chunk_indices':[]")),
                arguments("wrong-type", "chunk_indices", chunk("'chunk_indices':4")),
                arguments("wrong-type", "chunk_indices[1]", chunk("'chunk_indices':[4,null]")),
                arguments("wrong-type", "chunk_indices[1]", chunk("'chunk_indices':[4,'5']")),
                arguments("invalid-value", "chunk_indices[0]", chunk("'chunk_indices':[-4]")),
                arguments(
                        "invalid-value",
                        "delta_results",
                        chunk("'chunk_indices':[4,5],'delta_results':[{'delta_key':'words/delta/a/'}]")),
                arguments("wrong-type", "chunks_s3_key", chunk("'chunk_index':0,'chunks_s3_key':7")),
                arguments("invalid-value", "chunks_s3_key", chunk("'chunk_index':0,'chunks_s3_key':''")),
                arguments("invalid-value", "chunks_s3_key", chunk("'chunk_index':0,'chunks_s3_key':'/a.json'")),
                arguments("wrong-type", "chunks_s3_bucket", chunk("'chunk_index':0,'chunks_s3_bucket':7")),
                arguments(
                        "invalid-value",
                        "chunks_s3_bucket",
                        chunk("'chunk_index':0,'chunks_s3_key':'a','chunks_s3_bucket':'a/b'")),
                // Deltas.
                arguments("wrong-type", "delta_results", chunk("'chunk_index':0,'delta_results':{}")),
                arguments("wrong-type", "delta_results", chunk("'chunk_index':0,'delta_results':'words/delta/a/'")),
                arguments("wrong-type", "delta_results[0]", delta("'words/delta/a/'")),
                arguments("missing-field", "delta_results[0]", delta("null")),
                arguments("missing-field", "delta_results[0].delta_key", delta("{}")),
                arguments("missing-field", "delta_results[0].delta_key", delta("{'delta_key':null}")),
                arguments("wrong-type", "delta_results[0].delta_key", delta("{'delta_key':['words/delta/a/']}")),
                arguments(
                        "invalid-value",
                        "delta_results[1].delta_key",
                        delta("{'delta_key':'words/delta/a/'},{'delta_key':'words/delta/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'words/delta'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'delta/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'words/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':''}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'/words/delta/a/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'words/delta//'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'words/delta/../a/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'words/delta/.'}")),
                arguments(
                        "invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'words/delta/a\\u0000/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'words/delta/\\ud800/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'s3://bkt'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'s3://bkt/'}")),
                arguments("invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'s3:///words/delta/a/'}")),
                arguments(
                        "invalid-value", "delta_results[0].delta_key", delta("{'delta_key':'s3://bkt/words/delta/'}")),
                arguments(
                        "invalid-value",
                        "delta_results[0].delta_key",
                        delta("{'delta_key':'words/delta/" + "é".repeat(600) + "'}")),
                arguments(
                        "invalid-value",
                        "delta_results[0].collection",
                        delta("{'delta_key':'words/delta/a/','collection':'no spaces'}")),
                arguments(
                        "wrong-type",
                        "delta_results[0].collection",
                        delta("{'delta_key':'words/delta/a/','collection':7}")),
                arguments(
                        "wrong-type",
                        "delta_results[0].embedding_count",
                        delta("{'delta_key':'words/delta/a/','embedding_count':'100'}")),
                arguments(
                        "invalid-value",
                        "delta_results[0].stamp",
                        delta("{'delta_key':'words/delta/a/','stamp':'yesterday'}")),
                arguments(
                        "invalid-value", "delta_results[0].stamp", delta("{'delta_key':'words/delta/a/','stamp':-1}")),
                arguments("wrong-type", "delta_results[0].stamp", delta("{'delta_key':'words/delta/a/','stamp':{}}")),
                // Groups and pairs.
                arguments("wrong-type", "group_index", group("'group_index':'0','chunk_group':[]")),
                arguments("wrong-type", "chunk_group", group("'group_index':0,'chunk_group':{}")),
                arguments("wrong-type", "chunk_group[0]", group("'group_index':0,'chunk_group':[7]")),
                arguments("wrong-type", "chunk_group[0]", group("'group_index':0,'chunk_group':[['a']]")),
                arguments("invalid-value", "chunk_group[1]", group("'group_index':0,'chunk_group':['a/b/','']")),
                arguments(
                        "wrong-type",
                        "chunk_group[0].intermediate_key",
                        group("'group_index':0,'chunk_group':[{'intermediate_key':7}]")),
                arguments(
                        "invalid-value",
                        "chunk_group[0].intermediate_key",
                        group(
                                "'group_index':0,'chunk_group':[{'intermediate_key':'s3://other/intermediate/b/chunk-0/'}]")),
                arguments("invalid-value", "chunk_group[0]", group("'group_index':0,'chunk_group':['a/../b/']")),
                arguments(
                        "wrong-type",
                        "chunk_group[0].statusCode",
                        group("'group_index':0,'chunk_group':[{'statusCode':'200','embeddings_processed':0}]")),
                arguments("wrong-type", "chunk_group[0].empty", group("'chunk_group':[{'empty':'yes'}]")),
                arguments("wrong-type", "pair_data", "{'operation':'merge_pair','batch_id':'b','pair_data':[]}"),
                arguments("missing-field", "batch_id", "{'operation':'merge_pair','pair_data':{'pair_index':1}}"),
                arguments(
                        "wrong-type",
                        "pair_index",
                        "{'operation':'merge_pair','batch_id':'b','pair_data':{'pair_index':'1','intermediates':[]}}"),
                // Final merges.
                arguments("nothing-to-merge", "chunk_results", merge("'chunk_results':[]")),
                arguments("nothing-to-merge", "chunk_results", merge("'chunk_results':[],'total_chunks':3")),
                arguments("nothing-to-merge", "total_chunks", merge("'total_chunks':0")),
                arguments("wrong-type", "chunk_results", merge("'chunk_results':'intermediate/b/chunk-0/'")),
                arguments("wrong-type", "chunk_results[0]", merge("'chunk_results':[false]")),
                arguments("wrong-type", "chunk_results[0].message", merge("'chunk_results':[{'message':7}]")),
                arguments("wrong-type", "total_chunks", merge("'total_chunks':'4'")),
                arguments("invalid-value", "total_chunks", merge("'total_chunks':-4")),
                arguments("invalid-value", "total_chunks", merge("'total_chunks':2000000000")),
                arguments("wrong-type", "poll_results_s3_key", merge("'total_chunks':4,'poll_results_s3_key':{}")),
                arguments(
                        "wrong-type",
                        "single_intermediate",
                        "{'operation':'final_merge_single','batch_id':'b','single_intermediate':7}"),
                // One delta has arrived.
                arguments("missing-field", "delta_key", "{'delta_key':null,'collection':'words'}"),
                arguments("invalid-value", "delta_key", "{'delta_key':'words/delta/','collection':'words'}"),
                arguments("wrong-type", "batch_id", "{'delta_key':'words/delta/a/','batch_id':7}"),
                arguments("invalid-value", "database", "{'delta_key':'words/delta/a/','database':'a b'}"));
    }

    private static String chunk(String rest) {
        return "{'operation':'process_chunk','batch_id':'b'," + rest + "}";
    }

    private static String delta(String items) {
        return chunk("'chunk_index':0,'database':'words','delta_results':[" + items + "]");
    }

    private static String group(String rest) {
        return "{'operation':'merge_chunk_group','batch_id':'b-group-0'," + rest + "}";
    }

    private static String merge(String rest) {
        return "{'operation':'final_merge','batch_id':'b','database':'words'," + rest + "}";
    }

    @Test
    void unknown_fields_are_ignored_and_nulls_are_absent() {
        assertThat(parse("{'operation':'process_chunk','batch_id':'b','chunk_index':0,'chunk_indices':null,"
                        + "'database':null,'delta_results':null,'chunks_s3_key':null,'chunks_s3_bucket':null,"
                        + "'collection':null,'telepathy':{'a':[1,2,{}]}}"))
                .isEqualTo(new ProcessChunk("b", List.of(0), false, null, null, null));
    }

    @ParameterizedTest
    @CsvSource({
        "words/delta/abc, , words/delta/abc/",
        "words/delta/abc/, , words/delta/abc/",
        "s3://bkt/words/delta/abc, bkt, words/delta/abc/",
        "s3://bkt/words/delta/abc/, bkt, words/delta/abc/",
        "words/delta/abc/delta.tar.gz, , words/delta/abc/delta.tar.gz",
        "s3://bkt/words/delta/abc.tar.zst, bkt, words/delta/abc.tar.zst",
        "delta/abc, , delta/abc/",
        "words/delta/delta-1, , words/delta/delta-1/",
        "elsewhere/x y+z=ü, , elsewhere/x y+z=ü/",
    })
    void a_delta_key_is_a_prefix_or_an_archive(String given, String bucket, String key) {
        var chunk = (ProcessChunk) parse(delta("{'delta_key':'" + given + "'}"));
        assertThat(chunk.deltas()).containsExactly(new DeltaRef(bucket, key, null, null, null));
    }

    @Test
    void a_delta_keeps_what_its_producer_says_of_it() {
        var chunk = (ProcessChunk) parse(chunk("'chunk_index':3.0,'collection':'lines','delta_results':["
                + "{'delta_key':'a/delta/1','collection':'words','embedding_count':null,'results_count':5,'stamp':1795503600123},"
                + "{'delta_key':'a/delta/2','stamp':'2026-11-24T09:00:00.123456+02:00'}]"));
        assertThat(chunk.chunkIndices()).containsExactly(3);
        assertThat(chunk.deltas())
                .containsExactly(
                        new DeltaRef(null, "a/delta/1/", "words", 5L, 1795503600123L),
                        new DeltaRef(null, "a/delta/2/", "lines", null, 1795503600123L));
    }

    @Test
    void an_empty_list_beside_a_plan_in_s3_does_not_hide_the_plan() {
        assertThat(parse(chunk("'chunk_index':1,'delta_results':[],'chunks_s3_key':'chunks.json'")))
                .isEqualTo(new ProcessChunk("b", List.of(1), false, null, null, new ObjectRef(null, "chunks.json")));
        assertThat(parse(group("'group_index':1,'chunk_group':[],'groups_s3_key':'groups.json'")))
                .isEqualTo(new MergeGroup("b-group-0", 1, null, null, new ObjectRef(null, "groups.json")));
    }

    @Test
    void chunk_indices_are_each_taken_once() {
        assertThat(((ProcessChunk) parse(chunk("'chunk_indices':[5,4,5],'chunk_index':9"))).chunkIndices())
                .containsExactly(5, 4);
        assertThat(parse(chunk("'chunk_indices':[],'chunk_index':9")))
                .isEqualTo(new ProcessChunk("b", List.of(9), false, null, null, null));
    }

    @Test
    void a_group_without_a_list_follows_the_plan() {
        assertThat(parse("{'operation':'merge_chunk_group','batch_id':'b-group-2','group_index':2,'database':'words'}"))
                .isEqualTo(new MergeGroup("b-group-2", 2, "words", null, null));
        assertThat(parse("{'operation':'merge_chunk_group','batch_id':'b','chunk_group':[]}"))
                .isEqualTo(new MergeGroup("b", 0, null, List.of(), null));
    }

    @Test
    void a_pair_may_lie_in_pair_data_and_in_s3() {
        assertThat(parse("{'operation':'merge_pair','batch_id':'outer','database':'words','pair_data':"
                        + "{'pair_index':3,'batch_id':'b-r2','database':null,'intermediates':['i/a','i/b/']}}"))
                .isEqualTo(new MergeGroup(
                        "b-r2", 3, "words", List.of(new Intermediate("i/a/"), new Intermediate("i/b/")), null));
        assertThat(parse("{'operation':'merge_pair','batch_id':'b-r2','pair_index':3,'intermediates':null,"
                        + "'pairs_s3_key':'merge_pairs/b/round-2/pairs.json','pairs_s3_bucket':'bkt','round':2}"))
                .isEqualTo(new MergeGroup(
                        "b-r2", 3, null, null, new ObjectRef("bkt", "merge_pairs/b/round-2/pairs.json")));
    }

    @Test
    void a_single_intermediate_may_be_anything_a_result_may_be() {
        assertThat(single("{'intermediate_key':'i/a/'}")).containsExactly(new Intermediate("i/a/"));
        assertThat(single("'i/a'")).containsExactly(new Intermediate("i/a/"));
        assertThat(single("{'empty':true}")).containsExactly(new Empty());
        assertThat(single("{'statusCode':500}")).hasOnlyElementsOfType(Failed.class);
    }

    private static List<ChunkResult> single(String json) {
        return results(parse("{'operation':'final_merge_single','batch_id':'b','single_intermediate':" + json + "}"));
    }

    @Test
    void a_final_merge_may_count_its_chunks_or_leave_all_to_the_plan() {
        assertThat(parse("{'operation':'final_merge','batch_id':'b','database':'words','total_chunks':4}"))
                .isEqualTo(new FinalMerge("b", "words", null, 4, null, false));
        assertThat(parse("{'operation':'final_merge','batch_id':'b','database':'words'}"))
                .isEqualTo(new FinalMerge("b", "words", null, null, null, false));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "{'empty':true}, true",
                "{'empty':true;'statusCode':200}, true",
                "{'empty':true;'statusCode':500}, false",
                "{'empty':false}, false",
                "{'statusCode':200;'embeddings_processed':0}, true",
                "{'statusCode':200;'message':'All chunks were EMPTY'}, true",
                "{'statusCode':200;'embeddings_processed':7}, false",
                "{'statusCode':200}, false",
                "{'statusCode':500;'embeddings_processed':0}, false",
                "{'statusCode':400;'message':'empty'}, false",
                "{'message':'empty'}, false",
                "{'embeddings_processed':0}, false",
                "{'intermediate_key':null;'statusCode':200;'embeddings_processed':0}, true",
                "{}, false",
                "null, false",
            })
    void an_item_without_a_key_is_empty_only_if_it_says_so(String item, boolean empty) {
        var merge = (FinalMerge) parse(merge("'chunk_results':['i/a'," + item.replace(';', ',') + "]"));
        assertThat(results(merge).get(1)).isInstanceOf(empty ? Empty.class : Failed.class);
    }

    @Test
    void a_key_counts_whatever_else_the_item_says() {
        var merge = (FinalMerge)
                parse(merge("'chunk_results':[{'intermediate_key':'i/a/','empty':true,'statusCode':500}]"));
        assertThat(merge.results()).containsExactly(new Intermediate("i/a/"));
    }

    @Test
    void a_message_of_a_megabyte_is_read() {
        var item = "{'delta_key':'words/delta/" + "0".repeat(32) + "/','delta_id':'x','embedding_count':1}";
        var chunk = (ProcessChunk) parse(delta(String.join(",", Collections.nCopies(10_000, item))));
        assertThat(chunk.deltas()).hasSize(10_000);
    }

    @Test
    void the_collection_of_an_announced_delta_may_be_in_the_attributes() {
        var body = json("{'delta_key':'s3://bkt/words/delta/a','vector_count':3}");
        assertThat(MessageParser.parse(body, Map.of("collection", "words")))
                .isEqualTo(
                        new DeltaArrived(new DeltaRef("bkt", "words/delta/a/", "words", 3L, null), null, null, null));
        var failure = refusal(() -> MessageParser.parse(body, Map.of("collection", "a b")));
        assertThat(failure.message()).contains("message attribute collection");
    }
}
