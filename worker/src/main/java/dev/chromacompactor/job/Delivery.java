package dev.chromacompactor.job;

import java.util.Map;

/**
 * One receive of one message.
 *
 * @param attributes string message attributes by name
 * @param receives how often it was received so far, this time included
 * @param attempts how many attempts the input itself spoilt so far, this one not included
 */
public record Delivery(String messageId, String body, Map<String, String> attributes, int receives, int attempts) {
    public Delivery {
        attributes = Map.copyOf(attributes);
    }
}
