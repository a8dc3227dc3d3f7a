package dev.chromacompactor.telemetry;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Every metric: its name, what it counts or measures, its unit and its labels. The names are Micrometer's; Prometheus, OTLP
 * and CloudWatch see them as {@code docs/metrics.md} says. A label is only ever one of {@link Keys}, and never an id.
 */
enum Metric {
    MESSAGES_RECEIVED(Kind.COUNTER, "messages.received", null, "Messages that polls returned"),
    MESSAGES_SETTLED(
            Kind.COUNTER,
            "messages.settled",
            null,
            "What became of messages",
            Keys.OUTCOME,
            Keys.JOB,
            Keys.BLAME,
            Keys.REASON),
    JOB_DURATION(Kind.TIMER, "job.duration", null, "From receive to outcome", Keys.OUTCOME, Keys.JOB),
    POLLS(Kind.COUNTER, "polls", null, "Polls that were answered, or failed with a reason", Keys.OUTCOME, Keys.REASON),
    POLL_AGE(Kind.GAUGE, "poll.age", "seconds", "Time since the last poll that was answered"),
    HEARTBEATS_FAILED(Kind.COUNTER, "heartbeats.failed", null, "Extensions of a visibility that failed", Keys.REASON),
    LEASES_LOST(Kind.COUNTER, "leases.lost", null, "Messages that somebody else got, or that could not be kept"),
    SLOTS(Kind.GAUGE, "slots", null, "Jobs that may run at once"),
    SLOTS_BUSY(Kind.GAUGE, "slots.busy", null, "Jobs that run"),
    SLOTS_WAITING(Kind.GAUGE, "slots.waiting", null, "Of these, jobs that wait for disk or memory"),

    CHUNKS(Kind.COUNTER, "chunks", null, "Chunks that were processed: done, or failed for good", Keys.OUTCOME),
    CHUNK_FAILURES(Kind.COUNTER, "chunk.failures", null, "Attempts at a chunk that failed", Keys.BLAME, Keys.REASON),
    UNLOCK_WAIT(Kind.TIMER, "unlock.wait", null, "Wait before an upload until nothing holds the files"),
    VALIDATION(
            Kind.TIMER,
            "validation",
            null,
            "Checking the tables of a delta, whose records are checked as they are folded; reading what we made, before it is uploaded",
            Keys.SUBJECT),
    PUBLISHES(
            Kind.COUNTER,
            "publishes",
            null,
            "Publishes: won, our chunks are inside, whoever took them along; or lost",
            Keys.OUTCOME,
            Keys.DATABASE),
    PUBLISH_DURATION(
            Kind.TIMER, "publish.duration", null, "One publish, from the pointer to the pointer", Keys.DATABASE),
    PUBLISH_REQUESTS(Kind.SUMMARY, "publish.requests", null, "Requests to S3 for one publish", Keys.DATABASE),
    PUBLISH_SENT(Kind.SUMMARY, "publish.sent", "bytes", "Bytes sent to S3 for one publish", Keys.DATABASE),
    PUBLISH_RECEIVED(Kind.SUMMARY, "publish.received", "bytes", "Bytes read from S3 for one publish", Keys.DATABASE),
    BASES(Kind.COUNTER, "bases", null, "Bases of publishes: kept on the worker's disk, or downloaded", Keys.OUTCOME),
    S3_REQUESTS(Kind.COUNTER, "s3.requests", null, "Requests to S3, each attempt", Keys.CALL, Keys.STATUS),
    S3_SENT(Kind.COUNTER, "s3.sent", "bytes", "Bytes sent to S3"),
    S3_RECEIVED(Kind.COUNTER, "s3.received", "bytes", "Bytes read from S3"),

    QUEUE_VISIBLE(Kind.GAUGE, "queue.visible", null, "Messages that wait in the work queue"),
    QUEUE_IN_FLIGHT(Kind.GAUGE, "queue.in.flight", null, "Messages of the work queue that a worker holds"),
    QUEUE_DELAYED(Kind.GAUGE, "queue.delayed", null, "Messages of the work queue that are not yet due"),
    DEAD_LETTERS(Kind.GAUGE, "dead.letters", null, "Messages in the dead-letter queue"),
    BACKLOG_MESSAGES(Kind.GAUGE, "backlog.messages", null, "Messages visible, in flight or delayed"),
    BACKLOG_BATCHES(Kind.GAUGE, "backlog.batches", null, "Batches that are not closed", Keys.DATABASE),
    BACKLOG_CHUNKS(
            Kind.GAUGE,
            "backlog.chunks",
            null,
            "Chunks of open batches on their way into the live snapshot",
            Keys.DATABASE),
    BACKLOG_WORK(Kind.GAUGE, "backlog.work", null, "The same over all databases"),
    BACKLOG_EXCUSED(
            Kind.GAUGE,
            "backlog.excused",
            null,
            "Chunks that the live snapshot names as missing, with a reason",
            Keys.DATABASE),
    OLDEST_DELTA_AGE(
            Kind.GAUGE,
            "oldest.delta.age",
            "seconds",
            "Age of the oldest delta of an open batch on its way into the live snapshot",
            Keys.DATABASE),
    BACKLOG_AGE(Kind.GAUGE, "backlog.age", "seconds", "Time since this worker last measured the backlog"),

    SWEPT_BATCHES(
            Kind.COUNTER, "swept.batches", null, "Open batches that were quiet and got messages again", Keys.DATABASE),
    SWEPT_MESSAGES(Kind.COUNTER, "swept.messages", null, "Messages that were sent again for them", Keys.DATABASE),
    COLLECTED_OBJECTS(
            Kind.COUNTER,
            "collected.objects",
            null,
            "Objects and unfinished uploads that were taken away",
            Keys.SUBJECT),
    COLLECTED(Kind.COUNTER, "collected", "bytes", "Bytes of these objects", Keys.SUBJECT),
    UPKEEP_FAILURES(
            Kind.COUNTER, "upkeep.failures", null, "Sweeps and collections that failed", Keys.BLAME, Keys.REASON),

    SCRATCH(Kind.GAUGE, "scratch", "bytes", "Temporary files of this worker"),
    FILES_OPEN(Kind.GAUGE, "files.open", null, "Open descriptors of this process"),
    PAUSED(Kind.GAUGE, "paused", null, "1 while polling is paused, or nobody can say whether it is"),
    HEALTHY(Kind.GAUGE, "healthy", null, "1 while /live says so"),
    PROTECTION_CALLS(
            Kind.COUNTER, "protection.calls", null, "Calls for ECS scale-in protection: done or failed", Keys.OUTCOME);

    enum Kind {
        COUNTER,
        GAUGE,
        /** Seconds. */
        TIMER,
        SUMMARY
    }

    private final Kind kind;
    private final String id;
    private final @Nullable String unit;
    private final String description;

    @SuppressWarnings("ImmutableEnumChecker") // List.of cannot be changed
    private final List<String> labels;

    Metric(Kind kind, String id, @Nullable String unit, String description, String... labels) {
        this.kind = kind;
        this.id = "compactor." + id;
        this.unit = unit;
        this.description = description;
        this.labels = List.of(labels);
    }

    Kind kind() {
        return kind;
    }

    /** Micrometer's name. */
    String id() {
        return id;
    }

    @Nullable
    String unit() {
        return unit;
    }

    String description() {
        return description;
    }

    List<String> labels() {
        return labels;
    }
}
