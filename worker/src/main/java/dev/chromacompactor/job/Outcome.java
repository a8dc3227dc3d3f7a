package dev.chromacompactor.job;

import dev.chromacompactor.failure.Failure;

/** What became of one message. The queue acts on it: delete, change visibility, or dead-letter and delete. */
public sealed interface Outcome {
    /** Its effect is durable. {@code what}: one line for the log. */
    record Done(String what) implements Outcome {}

    /** Try again with backoff; counts as an attempt only if the failure's blame is the input's. */
    record RetryLater(Failure failure) implements Outcome {}

    /** Will never work: dead letter with the reason, then delete. */
    record DeadLetter(Failure failure) implements Outcome {}

    /** Not this machine, or not now (shutdown): visible again at once, no attempt spent. */
    record HandBack(Failure failure) implements Outcome {}
}
