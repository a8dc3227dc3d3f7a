package dev.chromacompactor.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/**
 * A dead letter as SQS carries it:
 *
 * <pre>
 * body                  the original, byte for byte (so SQS's own redrive works too)
 * compactor-failure     JSON: {@link FailureReport}
 * …                     the original attributes, as they were; or, if they are more than nine,
 * compactor-attributes  JSON: {"name":{"type":"String","value":"…"}}, binary values in Base64
 * </pre>
 *
 * A replayed message has the original attributes and {@code compactor-lineage}. All JSON is ASCII.
 */
final class LetterFormat {
    static final String FAILURE = "compactor-failure";
    static final String ATTRIBUTES = "compactor-attributes";
    static final String LINEAGE = "compactor-lineage";

    /** SQS's limit of attributes. */
    private static final int MAX_ATTRIBUTES = 10;
    /** So that a letter costs little more than its body. */
    static final int MAX_REPORT_BYTES = 64 * 1024;

    private LetterFormat() {}

    /** A folded attribute. */
    private record Folded(String type, String value) {}

    /**
     * The attributes of the letter for a message. A body close to SQS's limit leaves less room: then the report loses its
     * lists, and in the end goes without.
     */
    static Map<String, MessageAttributeValue> seal(ReceivedMessage message, FailureReport report) {
        var original = original(message.attributes());
        var kept = original.size() < MAX_ATTRIBUTES ? original : Map.of(ATTRIBUTES, text(fold(original)));
        int room = SqsQueue.MAX_BYTES - SqsQueue.bytes(message.body()) - bytes(kept);
        var json = fitting(report, room).or(() -> fitting(report.brief(), room));
        if (json.isPresent()) {
            var sealed = new HashMap<>(kept);
            sealed.put(FAILURE, json.get());
            return sealed;
        }
        return room >= 0 ? kept : original;
    }

    private static Optional<MessageAttributeValue> fitting(FailureReport report, int room) {
        var json = text(report.json());
        boolean fits = json.stringValue().length() <= MAX_REPORT_BYTES && bytes(FAILURE, json) <= room;
        return fits ? Optional.of(json) : Optional.empty();
    }

    /** The attributes of a replayed message: the original ones and, if there is room, where it comes from. */
    static Map<String, MessageAttributeValue> reopen(
            Map<String, MessageAttributeValue> original, String body, @Nullable Lineage lineage) {
        if (lineage == null || original.size() == MAX_ATTRIBUTES) {
            return original;
        }
        var all = new HashMap<>(original);
        all.put(LINEAGE, text(Json.write(lineage)));
        return SqsQueue.bytes(body) + bytes(all) <= SqsQueue.MAX_BYTES ? all : original;
    }

    /** The attributes as the producer gave them: without ours, unfolded. */
    static Map<String, MessageAttributeValue> original(Map<String, MessageAttributeValue> attributes) {
        var original = new TreeMap<>(attributes);
        original.remove(FAILURE);
        original.remove(LINEAGE);
        var folded = original.remove(ATTRIBUTES);
        if (folded != null) {
            original.putAll(unfold(folded));
        }
        return original;
    }

    private static String fold(Map<String, MessageAttributeValue> attributes) {
        var folded = new TreeMap<String, Folded>();
        attributes.forEach((name, value) -> folded.put(
                name,
                new Folded(
                        value.dataType(),
                        value.stringValue() != null
                                ? value.stringValue()
                                : Base64.getEncoder()
                                        .encodeToString(value.binaryValue().asByteArray()))));
        return Json.write(folded);
    }

    /** An attribute of that name which we did not write stays what it is. */
    private static Map<String, MessageAttributeValue> unfold(MessageAttributeValue attribute) {
        try {
            var attributes = new TreeMap<String, MessageAttributeValue>();
            Json.MAPPER
                    .readValue(attribute.stringValue(), new TypeReference<Map<String, Folded>>() {})
                    .forEach((name, folded) -> attributes.put(name, unfold(folded)));
            return attributes;
        } catch (JsonProcessingException | IllegalArgumentException e) {
            return Map.of(ATTRIBUTES, attribute);
        }
    }

    private static MessageAttributeValue unfold(Folded folded) {
        var value = MessageAttributeValue.builder().dataType(folded.type());
        return folded.type().startsWith("Binary")
                ? value.binaryValue(SdkBytes.fromByteArray(Base64.getDecoder().decode(folded.value())))
                        .build()
                : value.stringValue(folded.value()).build();
    }

    static MessageAttributeValue text(String value) {
        return MessageAttributeValue.builder()
                .dataType("String")
                .stringValue(value)
                .build();
    }

    static int bytes(Map<String, MessageAttributeValue> attributes) {
        return attributes.entrySet().stream()
                .mapToInt(attribute -> bytes(attribute.getKey(), attribute.getValue()))
                .sum();
    }

    /** As SQS counts: name, type and value. */
    private static int bytes(String name, MessageAttributeValue value) {
        return SqsQueue.bytes(name)
                + SqsQueue.bytes(value.dataType())
                + (value.stringValue() != null
                        ? SqsQueue.bytes(value.stringValue())
                        : value.binaryValue().asByteArray().length);
    }
}
