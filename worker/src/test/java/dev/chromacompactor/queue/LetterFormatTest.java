package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.Schemas;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

class LetterFormatTest {
    private static final Instant TIME = Instant.parse("2026-11-24T01:02:03Z");

    private static ReceivedMessage message(String body, Map<String, MessageAttributeValue> attributes) {
        return new ReceivedMessage("id-1", "handle", body, attributes, TIME, TIME, 1);
    }

    private static FailureReport report(String message, List<String> keys) {
        return new FailureReport(
                "input",
                "sqlite-corrupt",
                message,
                "permanent",
                "0123456789abcdef",
                keys,
                keys.size(),
                List.of(new FailureReport.Attempt(TIME, "input", "sqlite-corrupt", message.substring(0, 4))),
                1,
                TIME,
                TIME,
                "id-1",
                "1.0",
                List.of(new FailureReport.Replay(TIME, "index-torn", "fedcba9876543210", "0.9")));
    }

    private static Map<String, MessageAttributeValue> attributes(int count) {
        var attributes = new HashMap<String, MessageAttributeValue>();
        for (int i = 0; i < count - 2; i++) {
            attributes.put("a" + i, Queues.text("värde " + i));
        }
        attributes.put(
                "number",
                MessageAttributeValue.builder()
                        .dataType("Number.int")
                        .stringValue("42")
                        .build());
        attributes.put(
                "binary",
                MessageAttributeValue.builder()
                        .dataType("Binary")
                        .binaryValue(SdkBytes.fromByteArray(new byte[] {0, 1, -1}))
                        .build());
        return attributes;
    }

    @Test
    void a_report_is_written_as_its_record_says() {
        var report = report("röw \"7\" \u2028 of a\\b", List.of("words/delta/ä.tar", "b"));

        assertThat(report.json()).isEqualTo(Json.write(report));
        assertThat(report.brief().json()).isEqualTo(Json.write(report.brief()));
    }

    private static String json(Map<String, MessageAttributeValue> sealed) {
        return ReceivedMessage.texts(sealed).getOrDefault("compactor-failure", "");
    }

    @Test
    void nine_attributes_are_kept_as_they_are() {
        var sealed = LetterFormat.seal(message("{}", attributes(9)), report("broken", List.of("words/delta/a/")));

        assertThat(sealed).hasSize(10).containsAllEntriesOf(attributes(9)).containsKey("compactor-failure");
    }

    @Test
    void ten_attributes_are_folded_into_one_and_come_back_with_their_types() {
        var sealed = LetterFormat.seal(message("{}", attributes(10)), report("broken", List.of()));

        assertThat(sealed).containsOnlyKeys("compactor-failure", "compactor-attributes");
        assertThat(LetterFormat.original(sealed)).isEqualTo(attributes(10));
    }

    @Test
    void the_report_is_ascii_and_comes_back_whole() {
        var report = report("größer als erlaubt: 漢字 \u0000", List.of("wörter/delta/a/"));
        var json = json(LetterFormat.seal(message("{}", Map.of()), report));

        assertThat(json.chars()).allMatch(c -> c >= 0x20 && c < 0x7f);
        assertThat(json).contains("\"class\":\"input\"", "\"first_seen\":\"2026-11-24T01:02:03Z\"");
        assertThat(Json.read(json, FailureReport.class)).contains(report);
    }

    @Test
    void endless_messages_and_lists_of_keys_are_cut() {
        var keys = Collections.nCopies(5000, "k".repeat(900));
        var json = json(LetterFormat.seal(message("{}", Map.of()), report("x".repeat(1 << 20), keys)));

        assertThat(json.length()).isLessThanOrEqualTo(64 * 1024);
        var read = Json.read(json, FailureReport.class).orElseThrow();
        assertThat(read.inputKeys()).hasSize(20);
        assertThat(read.inputKeyCount()).isEqualTo(5000);
    }

    @Test
    void a_body_near_the_limit_gets_a_shorter_report_and_at_the_limit_none() {
        var report = report("broken ".repeat(500), List.of("words/delta/a/"));

        var tight = "x".repeat(SqsQueue.MAX_BYTES - 1000);
        var brief = LetterFormat.seal(message(tight, Map.of()), report);
        assertThat(Json.read(json(brief), FailureReport.class)).hasValueSatisfying(read -> {
            assertThat(read.reason()).isEqualTo("sqlite-corrupt");
            assertThat(read.inputKeys()).isEmpty();
        });

        var full = "x".repeat(SqsQueue.MAX_BYTES);
        assertThat(LetterFormat.seal(message(full, Map.of()), report)).isEmpty();
    }

    @Test
    void a_letter_that_SQS_moved_back_by_itself_keeps_its_past() {
        var first = report("broken", List.of());
        var back = message("{}", Map.of("compactor-failure", Queues.text(Json.write(first)), "team", Queues.text("a")));

        var lineage = Lineage.of(back);
        assertThat(lineage.messageId()).isEqualTo("id-1");
        assertThat(lineage.replays()).extracting("reason").containsExactly("index-torn", "sqlite-corrupt");
        assertThat(LetterFormat.original(back.attributes())).containsOnlyKeys("team");
    }

    @Test
    void foreign_attributes_of_our_names_do_no_harm() {
        var odd = message(
                "{}",
                Map.of(
                        "compactor-failure", Queues.text("not JSON"),
                        "compactor-attributes", Queues.text("[1]"),
                        "compactor-lineage", Queues.text("null")));

        assertThat(Letter.of(odd).reason()).isEqualTo("native-redrive");
        assertThat(Lineage.of(odd).replays()).isEmpty();
        assertThat(LetterFormat.original(odd.attributes())).containsOnlyKeys("compactor-attributes");
    }

    @Test
    void input_keys_and_names_are_read_off_any_body() {
        var summary = BodySummary.of(
                "{\"operation\":\"merge_chunk_group\",\"batch_id\":\"b\",\"chunk_group\":[{\"intermediate_key\":\"i/b/chunk-0/\"},\"i/b/chunk-1/\"]}");
        assertThat(summary.inputKeys()).containsExactly("i/b/chunk-0/", "i/b/chunk-1/");
        assertThat(summary.operation()).isEqualTo("merge_chunk_group");

        assertThat(BodySummary.of("{\"delta_results\":[{\"delta_key\":\"p/words/delta/a/\"}]}")
                        .database())
                .isEqualTo("words");
        assertThat(BodySummary.of("not JSON").inputKeys()).isEmpty();
        assertThat(BodySummary.of("").operation()).isNull();
        assertThat(BodySummary.of("[".repeat(100_000)).operation()).isNull();
    }

    @Test
    void the_report_is_as_its_schema_says() {
        var report = report("broken", List.of("words/delta/a/"));

        for (var each : List.of(report, report.brief())) {
            assertThat(Schemas.problemsOfOurs("failure", json(LetterFormat.seal(message("{}", Map.of()), each))))
                    .isEmpty();
        }
    }
}
