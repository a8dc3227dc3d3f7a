package dev.chromacompactor.message;

import static dev.chromacompactor.message.Bodies.json;
import static dev.chromacompactor.message.Bodies.parse;
import static dev.chromacompactor.message.Bodies.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chromacompactor.message.Message.DeltaArrived;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.FinalMerge;
import dev.chromacompactor.message.Message.Nothing;
import dev.chromacompactor.message.Message.SeveralArrived;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that others write: S3, a database stream, SNS. */
class NotificationsTest {
    private static String event(String... namesAndKeys) {
        return Stream.of(namesAndKeys)
                .map(each -> each.split(" ", 2))
                .map(each -> "{'eventVersion':'2.1','eventSource':'aws:s3','eventName':'" + each[0]
                        + "','s3':{'bucket':{'name':'bkt'},'object':{'key':'" + each[1]
                        + "','size':1024,'eTag':'abc'}}}")
                .collect(Collectors.joining(",", "{'Records':[", "]}"));
    }

    @ParameterizedTest
    @CsvSource({
        "words/delta/abc/chroma.sqlite3, words/delta/abc/, words/delta/abc/chroma.sqlite3, words",
        "words/delta/abc/delta.tar.gz, words/delta/abc/delta.tar.gz, words/delta/abc/delta.tar.gz, words",
        "words/delta/abc.tar.zst, words/delta/abc.tar.zst, words/delta/abc.tar.zst, words",
        "delta/abc/chroma.sqlite3, delta/abc/, delta/abc/chroma.sqlite3, ",
        "words/delta/a+b%2Bc%C3%BC/chroma.sqlite3, words/delta/a b+cü/, words/delta/a b+cü/chroma.sqlite3, words",
    })
    void an_object_that_completes_a_delta_announces_it(String encoded, String delta, String object, String database) {
        assertThat(parse(event("ObjectCreated:Put " + encoded)))
                .isEqualTo(new DeltaArrived(new DeltaRef("bkt", delta, null, null, null), database, null, object));
    }

    @Test
    void several_records_are_several_deltas() {
        var several = (SeveralArrived) parse(event(
                "ObjectCreated:Put words/delta/a/chroma.sqlite3",
                "ObjectCreated:Put words/delta/a/0d1c/link_lists.bin",
                "ObjectCreated:CompleteMultipartUpload lines/delta/b/delta.tar.gz"));
        assertThat(several.deltas())
                .extracting(each -> each.delta().key())
                .containsExactly("words/delta/a/", "lines/delta/b/delta.tar.gz");
    }

    @Test
    void another_file_of_a_delta_is_nothing_to_do() {
        assertThat(parse(event("ObjectCreated:Put words/delta/a/0d1c/link_lists.bin")))
                .isInstanceOfSatisfying(
                        Nothing.class, nothing -> assertThat(nothing.what()).contains("link_lists.bin"));
    }

    @ParameterizedTest
    @CsvSource({
        "ObjectRemoved:Delete, words/delta/a/chroma.sqlite3",
        "LifecycleExpiration:Delete, words/delta/a/chroma.sqlite3",
        "ObjectCreated:Put, words/snapshot/timestamped/v/chroma.sqlite3",
        "ObjectCreated:Put, intermediate/b/chunk-0/chroma.sqlite3",
        "ObjectCreated:Put, chroma.sqlite3",
        "ObjectCreated:Put, words/delta/chroma.sqlite3",
        "ObjectCreated:Put, words/delta/readme.txt",
    })
    void an_event_of_something_else_is_refused_by_its_key(String name, String key) {
        var failure = refusal(() -> parse(event(name + " " + key)));
        assertThat(failure.reason()).isEqualTo("notification-not-a-delta");
        assertThat(failure.message()).contains("Records[0]", name, key);
    }

    @Test
    void a_notification_without_records_is_refused() {
        assertThat(refusal(() -> parse("{'Records':[]}")).message()).contains("Records is empty");
        assertThat(refusal(() -> parse("{'Records':[{}]}")).message()).contains("Records[0].eventName");
        assertThat(refusal(() -> parse("{'Records':[{'eventName':'ObjectCreated:Put','s3':{'bucket':{'name':'b'}}}]}"))
                        .message())
                .contains("Records[0].s3.object");
        assertThat(refusal(() -> parse(event("ObjectCreated:Put words/delta/%zz/chroma.sqlite3")))
                        .message())
                .contains("Records[0].s3.object.key");
    }

    @Test
    void the_test_event_of_s3_is_nothing_to_do() {
        assertThat(parse("{'Service':'Amazon S3','Event':'s3:TestEvent','Time':'2026-11-24T06:00:00.000Z',"
                        + "'Bucket':'bkt','RequestId':'r','HostId':'h'}"))
                .isEqualTo(new Nothing("test event of S3 for bucket bkt"));
    }

    @Test
    void what_sns_has_wrapped_is_unwrapped() throws Exception {
        var inner = json(event("ObjectCreated:Put words/delta/a/chroma.sqlite3"));
        assertThat(parse(wrapped(inner, ""))).isInstanceOf(DeltaArrived.class);
        assertThat(parse(wrapped(json("{'operation':'final_merge','batch_id':'b'}"), "")))
                .isInstanceOf(FinalMerge.class);
        assertThat(parse(wrapped(
                        json("{'delta_key':'words/delta/a/'}"),
                        ",'MessageAttributes':{'collection':{'Type':'String','Value':'words'}}")))
                .isEqualTo(
                        new DeltaArrived(new DeltaRef(null, "words/delta/a/", "words", null, null), null, null, null));
        assertThat(refusal(() -> parse(wrapped("not json", ""))).reason()).isEqualTo("message-not-json");
        var twice = wrapped(json(wrapped(json("{'operation':'final_merge','batch_id':'b'}"), "")), "");
        assertThat(refusal(() -> parse(twice)).message()).contains("twice");
    }

    private static String wrapped(String message, String more) throws Exception {
        return "{'Type':'Notification','TopicArn':'arn:aws:sns:us-east-1:000000000000:t','Message':"
                + new ObjectMapper().writeValueAsString(message) + more + "}";
    }

    @Test
    void a_compaction_run_may_name_a_bucket() {
        var body = json("{'source':'dynamodb_stream','entity_type':'COMPACTION_RUN','event_name':'MODIFY',"
                + "'entity_data':{'delta_s3_prefix':'s3://bkt/lines/delta/r-1'}}");
        assertThat(MessageParser.parse(body, Map.of()))
                .isEqualTo(
                        new DeltaArrived(new DeltaRef("bkt", "lines/delta/r-1/", null, null, null), null, null, null));
    }

    @Test
    void a_compaction_run_without_the_common_field_is_told_by_its_collection() {
        var body = json("{'entity_type':'COMPACTION_RUN','entity_data':"
                + "{'lines_delta_prefix':'lines/delta/r-1/','words_delta_prefix':'words/delta/r-1/'}}");
        assertThat(((DeltaArrived) MessageParser.parse(body, Map.of("collection", "lines")))
                        .delta()
                        .key())
                .isEqualTo("lines/delta/r-1/");
        var failure = refusal(() -> MessageParser.parse(body, Map.of()));
        assertThat(failure.message()).isEqualTo("entity_data.delta_s3_prefix is missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "RECEIPT_PLACE",
                "RECEIPT_WORD_LABEL",
                "RECEIPT_SECTION",
                "RECEIPT",
                "RECEIPT_WORD",
                "RECEIPT_LINE",
                "SOMETHING_NEW"
            })
    void other_stream_records_are_refused_by_their_type(String type) {
        var failure = refusal(() -> parse("{'source':'dynamodb_stream','entity_type':'" + type + "'}"));
        assertThat(failure.reason()).isEqualTo("stream-message");
        assertThat(failure.message()).contains(type);
    }

    @Test
    void a_compaction_run_that_is_removed_announces_nothing() {
        var failure = refusal(() -> parse("{'entity_type':'COMPACTION_RUN','event_name':'REMOVE',"
                + "'entity_data':{'delta_s3_prefix':'words/delta/r-1/'}}"));
        assertThat(failure.reason()).isEqualTo("stream-message");
        assertThat(failure.message()).contains("COMPACTION_RUN", "REMOVE");
    }

    @Test
    void a_stream_record_may_have_its_type_in_the_attributes() {
        var body = json("{'source':'dynamodb_stream','entity_data':{}}");
        var failure = refusal(() -> MessageParser.parse(body, Map.of("entity_type", "RECEIPT")));
        assertThat(failure.reason()).isEqualTo("stream-message");
    }
}
