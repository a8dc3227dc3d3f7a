package dev.chromacompactor.telemetry;

import java.util.Set;

/** Keys of structured log lines and labels of metrics: one per idea, the same words as in dead letters and receipts. */
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

    /** What became of a message: {@code done}, {@code retry}, {@code put-off}, {@code dead-letter}, {@code hand-back}, {@code lost}. */
    public static final String OUTCOME = "outcome";

    public static final String RECEIVES = "receives";
    public static final String ATTEMPTS = "attempts";
    public static final String ELAPSED_MILLIS = "elapsed_ms";
    public static final String DELAY_MILLIS = "delay_ms";
    public static final String QUEUE = "queue";

    /** Of the message, through all its stages; the same id as in {@code traceparent}. */
    public static final String TRACE_ID = "trace_id";
    /** Of this job within the trace. */
    public static final String SPAN_ID = "span_id";

    /** The ECS task this runs in, its cluster, its zone and its image. */
    public static final String TASK = "task";

    public static final String CLUSTER = "cluster";
    public static final String ZONE = "zone";
    public static final String IMAGE = "image";

    /** What holds for every line of a process. */
    static final Set<String> OF_THE_PROCESS = Set.of(TASK, CLUSTER, ZONE, IMAGE);

    /** Labels of metrics alone: what was validated, which request to S3, and how it was answered. */
    public static final String SUBJECT = "subject";

    public static final String CALL = "call";
    public static final String STATUS = "status";

    private Keys() {}
}
