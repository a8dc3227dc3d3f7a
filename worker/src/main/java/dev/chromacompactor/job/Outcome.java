package dev.chromacompactor.job;

import dev.chromacompactor.failure.Failure;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What became of one message. The queue acts on it: delete, change visibility, or dead-letter and delete. */
public sealed interface Outcome {
    /** Its effect is durable. {@code what}: one line for the log. */
    record Done(String what) implements Outcome {}

    /**
     * Try again with backoff; counts as an attempt only if the failure's blame is the input's, and not before {@code until}.
     *
     * @param until what is not whole yet has until then to become so; null: no such time
     */
    record RetryLater(Failure failure, @Nullable Instant until) implements Outcome {
        public RetryLater(Failure failure) {
            this(failure, null);
        }
    }

    /**
     * An operator wants it later, there is no room for it now, or somebody else publishes: hidden for that long, no attempt
     * spent, nobody's fault.
     */
    record PutOff(Failure failure, Duration delay) implements Outcome {
        private static final int MOST_DOUBLINGS = 8;

        /** In a minute, then later and later: each receive counts for SQS, which makes it a dead letter after so many. */
        public static PutOff later(Failure failure, int receives) {
            return new PutOff(failure, Duration.ofMinutes(1L << Math.clamp(receives - 1L, 0, MOST_DOUBLINGS)));
        }
    }

    /** Will never work: dead letter with the reason, then delete. */
    record DeadLetter(Failure failure) implements Outcome {}

    /** Not this machine, or not now (shutdown): visible again at once, no attempt spent. */
    record HandBack(Failure failure) implements Outcome {}
}
