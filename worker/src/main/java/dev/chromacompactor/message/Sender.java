package dev.chromacompactor.message;

import java.time.Duration;
import java.util.List;

/** Sends further stage messages; implemented by the queue. */
public interface Sender {
    /** Sends each body; returns when all are accepted, throws {@code DEPENDENCY} otherwise (some may have been). */
    void send(List<String> bodies);

    /**
     * The same, but nobody receives them before that time is over. Who cannot delay sends at once.
     *
     * @param delay whole seconds, at most 15 minutes; zero: none
     */
    default void send(List<String> bodies, Duration delay) {
        send(bodies);
    }
}
