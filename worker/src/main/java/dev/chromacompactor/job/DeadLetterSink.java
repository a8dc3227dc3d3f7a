package dev.chromacompactor.job;

import dev.chromacompactor.failure.Failure;

/** Takes letters for work that was refused after its own message had been acknowledged. */
@FunctionalInterface
public interface DeadLetterSink {
    /** @param body a message whose replay does the work again */
    void send(String body, Failure failure);
}
