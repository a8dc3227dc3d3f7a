package dev.chromacompactor.job;

import dev.chromacompactor.failure.Failure;

/**
 * Does what a message asks for. Never throws for what went wrong with it: every failure is an outcome. An interrupt means:
 * stop, hand back.
 */
@FunctionalInterface
public interface MessageHandler {
    Outcome handle(Delivery delivery);

    /**
     * Told before a message whose attempts are spent is dead-lettered, so that whoever waits for its result learns of it.
     * May throw: then the message stays and this is tried again.
     */
    default void givenUp(Delivery delivery, Failure failure) {}
}
