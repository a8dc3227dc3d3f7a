package dev.chromacompactor.failure;

import java.util.Locale;

/** Whose fault a failure is, and therefore what happens to the message. */
public enum Blame {
    /** The input is wrong and will stay wrong: dead letter at once. */
    INPUT,
    /** The input looks wrong but may have been caught in motion: retried with fresh reads; the same fingerprint again is permanent. */
    DOUBTFUL,
    /** S3 or SQS: throttling, 5xx, connection reset. Backed off, never counted against the input. */
    DEPENDENCY,
    /** This machine: disk full, out of memory, files still locked. The message is handed back. */
    NODE,
    /** A compare-and-swap was lost: the last step is redone on the new base. */
    CONFLICT,
    /** Our own output or the bucket contradicts itself: publishing stops, somebody must look. */
    INVARIANT;

    /** The name used outside of Java: lower case. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
