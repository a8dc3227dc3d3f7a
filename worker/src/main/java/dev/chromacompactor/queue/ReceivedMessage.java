package dev.chromacompactor.queue;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * One receive of one message.
 *
 * @param handle what acknowledges this receive, and only this one
 * @param sentAt when it came into this queue; a message that SQS itself moved keeps the time of its first queue
 * @param firstReceivedAt null where the server does not say
 * @param receives how often it was received, this time included
 */
record ReceivedMessage(
        String id,
        String handle,
        String body,
        Map<String, MessageAttributeValue> attributes,
        Instant sentAt,
        @Nullable Instant firstReceivedAt,
        int receives) {

    static ReceivedMessage of(Message message, Instant now) {
        var system = message.attributes();
        var sent = system.get(MessageSystemAttributeName.SENT_TIMESTAMP);
        var first = system.get(MessageSystemAttributeName.APPROXIMATE_FIRST_RECEIVE_TIMESTAMP);
        var receives = system.get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT);
        return new ReceivedMessage(
                message.messageId(),
                message.receiptHandle(),
                message.body(),
                message.messageAttributes(),
                sent == null ? now : Instant.ofEpochMilli(Long.parseLong(sent)),
                first == null ? null : Instant.ofEpochMilli(Long.parseLong(first)),
                receives == null ? 1 : Integer.parseInt(receives));
    }

    /** The attributes that are text (numbers too: SQS carries them as text). */
    Map<String, String> texts() {
        return texts(attributes);
    }

    static Map<String, String> texts(Map<String, MessageAttributeValue> attributes) {
        var texts = new HashMap<String, String>();
        attributes.forEach((name, value) -> {
            if (value.stringValue() != null) {
                texts.put(name, value.stringValue());
            }
        });
        return texts;
    }
}
