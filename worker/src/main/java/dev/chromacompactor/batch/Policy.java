package dev.chromacompactor.batch;

/** What happens to a batch when one of its chunks fails for good. */
public enum Policy {
    /** Publish nothing until all chunks are in. */
    HOLD,
    /** Go on without it, say so, and take it in when it is replayed. */
    PUBLISH
}
