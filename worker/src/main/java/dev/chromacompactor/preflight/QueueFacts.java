package dev.chromacompactor.preflight;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a queue says of itself, from its SQS attributes; null where it says nothing.
 *
 * @param retention how long a message lives; AWS always says, some servers keep messages for ever and do not
 * @param visibility how long a received message stays hidden unless the receiver asks otherwise
 */
record QueueFacts(
        String url,
        @Nullable String arn,
        @Nullable Duration retention,
        @Nullable Duration visibility,
        boolean fifo,
        @Nullable Redrive redrive) {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** After {@code maxReceives} receives SQS itself moves a message to the queue with this ARN. */
    record Redrive(String target, int maxReceives) {}

    static QueueFacts of(String url, Map<String, String> attributes) {
        return new QueueFacts(
                url,
                attributes.get("QueueArn"),
                seconds(attributes.get("MessageRetentionPeriod")),
                seconds(attributes.get("VisibilityTimeout")),
                Boolean.parseBoolean(attributes.get("FifoQueue")) || url.endsWith(".fifo"),
                redrive(attributes.get("RedrivePolicy")));
    }

    private static @Nullable Duration seconds(@Nullable String value) {
        return value == null ? null : Duration.ofSeconds(Long.parseLong(value));
    }

    /** A policy that cannot be read is none: SQS would not act on it either. */
    private static @Nullable Redrive redrive(@Nullable String policy) {
        if (policy == null || policy.isBlank()) {
            return null;
        }
        try {
            JsonNode json = JSON.readTree(policy);
            String target = json.path("deadLetterTargetArn").asText();
            int receives = json.path("maxReceiveCount").asInt();
            return target.isEmpty() || receives < 1 ? null : new Redrive(target, receives);
        } catch (JsonProcessingException e) {
            return null;
        }
    }
}
