package dev.chromacompactor.question;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;

/**
 * Answers from one bucket. Reads only; safe for several threads, keeps nothing between two questions.
 *
 * <p>What is inside is decided by the live manifest alone. Pointer and manifest are read first, plans and receipts after
 * it, as a publisher does: so an answer is never ahead of what it speaks of.
 */
public final class Questions {
    private final ObjectStore store;

    public Questions(ObjectStore store) {
        this.store = store;
    }

    /**
     * Why is this batch not published?
     *
     * @throws FailureException {@code DEPENDENCY} if S3 does not answer; a bucket that contradicts itself is an answer
     */
    public BatchAnswer explain(String batch) {
        return new BatchQuestion(store, batch).answer();
    }

    /**
     * Does the live version hold this delta, as it lies there now?
     *
     * @param holder the bucket that the delta lies in
     * @param key with or without a trailing slash
     * @throws FailureException {@code INVARIANT} if the live version cannot be told, {@code DEPENDENCY} if S3 does not answer
     */
    public DeltaAnswer where(String database, ObjectStore holder, String key) {
        return new DeltaQuestion(store, database, holder, key).answer();
    }
}
