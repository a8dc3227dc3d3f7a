package dev.chromacompactor.queue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One dead letter.
 *
 * @param id its id in the dead-letter queue
 * @param body the original body
 * @param attributes the original text attributes
 * @param report null for a letter that SQS itself moved here: it was received too often
 * @param operation of the message, null if it names none; likewise batch and database
 * @param sentAt when it became a dead letter; for one that SQS moved, when the original was sent
 */
public record Letter(
        String id,
        String body,
        Map<String, String> attributes,
        @Nullable FailureReport report,
        @Nullable String operation,
        @Nullable String batchId,
        @Nullable String database,
        Instant sentAt) {
    /** The reason shown for a letter without a report. */
    public static final String NATIVE_REDRIVE = "native-redrive";

    public Letter {
        attributes = Map.copyOf(attributes);
    }

    static Letter of(ReceivedMessage message) {
        var summary = BodySummary.of(message.body());
        return new Letter(
                message.id(),
                message.body(),
                ReceivedMessage.texts(LetterFormat.original(message.attributes())),
                Json.read(message.texts().get(LetterFormat.FAILURE), FailureReport.class)
                        .orElse(null),
                summary.operation(),
                summary.batchId(),
                summary.database(),
                message.sentAt());
    }

    public String reason() {
        return report == null ? NATIVE_REDRIVE : report.reason();
    }

    /** Whose fault, as its label; null for a letter without a report. */
    public @Nullable String blame() {
        return report == null ? null : report.blame();
    }

    /** How often it was sent back before. */
    public int replays() {
        return report == null ? 0 : report.replays().size();
    }

    /**
     * For machines: {@code id}, {@code reason}, {@code class}, {@code message}, {@code operation}, {@code batch_id},
     * {@code database}, {@code sent_at}, {@code replays}, {@code attributes}, {@code body} and the whole report as
     * {@code failure}; what is unknown is null.
     */
    public ObjectNode toJson() {
        var json = Json.MAPPER.createObjectNode();
        json.put("id", id)
                .put("reason", reason())
                .put("class", blame())
                .put("message", report == null ? null : report.message())
                .put("operation", operation)
                .put("batch_id", batchId)
                .put("database", database)
                .put("sent_at", sentAt.toString())
                .put("replays", replays())
                .put("body", body);
        json.set("attributes", Json.MAPPER.valueToTree(attributes));
        json.set("failure", Json.MAPPER.valueToTree(report));
        return json;
    }

    /**
     * Which letters are meant: all conditions that are not null.
     *
     * @param id of the letter or of the original message
     * @param blame label, such as {@code input}
     * @param minAge at least that old; {@code maxAge} likewise at most
     */
    public record Filter(
            @Nullable String id,
            @Nullable String reason,
            @Nullable String blame,
            @Nullable String operation,
            @Nullable String batchId,
            @Nullable String database,
            @Nullable Duration minAge,
            @Nullable Duration maxAge) {
        public static final Filter ALL = new Filter(null, null, null, null, null, null, null, null);

        public static Filter ofId(String id) {
            return new Filter(id, null, null, null, null, null, null, null);
        }

        Predicate<Letter> at(Instant now) {
            return letter -> {
                var age = Duration.between(letter.sentAt(), now);
                return (id == null
                                || id.equals(letter.id())
                                || (letter.report() != null
                                        && id.equals(letter.report().messageId())))
                        && matches(reason, letter.reason())
                        && matches(blame, letter.blame())
                        && matches(operation, letter.operation())
                        && matches(batchId, letter.batchId())
                        && matches(database, letter.database())
                        && (minAge == null || age.compareTo(minAge) >= 0)
                        && (maxAge == null || age.compareTo(maxAge) <= 0);
            };
        }

        private static boolean matches(@Nullable String wanted, @Nullable String is) {
            return wanted == null || wanted.equals(is);
        }
    }
}
