package dev.chromacompactor.queue;

import java.time.Duration;

/** Asks what the worker may do with a queue without touching any message of it. */
public final class QueueProbe {
    /** No receive ever gave it out. */
    private static final String NOBODYS = "preflight";

    private QueueProbe() {}

    /**
     * Tries to delete, and to change the visibility of, a message that does not exist: SQS looks at the permission first.
     *
     * @return true
     * @throws dev.chromacompactor.failure.FailureException {@code DEPENDENCY sqs-access-denied} if either is not allowed
     */
    public static boolean mayDelete(SqsQueue queue) {
        var _ = queue.delete(NOBODYS);
        var _ = queue.changeVisibility(NOBODYS, Duration.ZERO);
        return true;
    }
}
