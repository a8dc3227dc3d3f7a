package dev.chromacompactor.telemetry;

/** Keys of structured log lines: one per idea, the same words as in dead letters and receipts. */
public final class Keys {
    public static final String MESSAGE_ID = "message_id";
    /** The operation of a message. */
    public static final String JOB = "job";

    public static final String BATCH_ID = "batch_id";
    public static final String DATABASE = "database";
    public static final String COLLECTION = "collection";
    public static final String CHUNK = "chunk";
    public static final String VERSION = "version";
    public static final String BLAME = "blame";
    public static final String REASON = "reason";
    /** What a failure says of itself: what was being done, with which id. */
    public static final String MESSAGE = "failure";

    /** What became of a message: {@code done}, {@code retry}, {@code dead-letter}, {@code hand-back}. */
    public static final String OUTCOME = "outcome";

    public static final String RECEIVES = "receives";
    public static final String ATTEMPTS = "attempts";
    public static final String ELAPSED_MILLIS = "elapsed_ms";
    public static final String DELAY_MILLIS = "delay_ms";
    public static final String QUEUE = "queue";

    private Keys() {}
}
