package dev.chromacompactor.telemetry;

import dev.chromacompactor.failure.Failure;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a worker tells of itself in numbers: one method for each thing that happens. Names, units and labels are in {@code
 * docs/metrics.md}. No method blocks, none throws, and all are safe for several threads.
 *
 * <p>Who counts what: the consumer {@link #polled}, {@link #pollFailed}, {@link #settled}, {@link #heartbeatFailed}, {@link
 * #leaseLost}, {@link #slots}; jobs the chunks, waits and publishes; the store {@link #s3Request}.
 */
public final class Metrics {
    /** Databases that are told apart; the rest are "other". */
    private static final int MOST_DATABASES = 100;
    /** There are about a hundred reasons; a bound in case a dependency invents some. */
    private static final int MOST_REASONS = 300;

    private static final Set<String> OPERATIONS = Set.of(
            "process_chunk", "merge_chunk_group", "merge_pair", "final_merge", "final_merge_all", "final_merge_single");

    private final @Nullable MeterRegistry registry;
    private final InstantSource clock;
    private final Bounded databases = new Bounded(MOST_DATABASES);
    private final Bounded reasons = new Bounded(MOST_REASONS);
    private final Bounded calls = new Bounded(MOST_DATABASES);
    private final @Nullable BacklogGauges backlog;

    private final AtomicReference<Depths> depths = new AtomicReference<>(Depths.UNKNOWN);
    private final Traffic s3 = new Traffic();
    private final Set<Metric> registered = ConcurrentHashMap.newKeySet();

    private record Depths(double visible, double inFlight, double delayed, double deadLetters) {
        static final Depths UNKNOWN = new Depths(Double.NaN, Double.NaN, Double.NaN, Double.NaN);
    }

    public Metrics(MeterRegistry registry, InstantSource clock) {
        this.registry = registry;
        this.clock = clock;
        this.backlog = new BacklogGauges(registry, clock, databases);
    }

    private Metrics() {
        this.registry = null;
        this.clock = InstantSource.system();
        this.backlog = null;
    }

    /** For whom nobody asks: counts nothing, and loads nothing that counts. */
    public static Metrics none() {
        return new Metrics();
    }

    // What the consumer tells.

    /** A poll was answered. */
    public void polled(int messages) {
        count(Metric.POLLS, Tags.of(Keys.OUTCOME, "answered", Keys.REASON, Bounded.NONE), 1);
        count(Metric.MESSAGES_RECEIVED, Tags.empty(), messages);
    }

    public void pollFailed(String reason) {
        count(Metric.POLLS, Tags.of(Keys.OUTCOME, "failed", Keys.REASON, reasons.of(reason)), 1);
    }

    /** @param last when the last poll was answered */
    public void lastPoll(Supplier<Instant> last) {
        gauge(Metric.POLL_AGE, () -> age(last.get()));
    }

    /**
     * A message is no longer ours. To be called once for each, when it is deleted, hidden for later, dead-lettered, handed
     * back or lost; not when SQS did not take that.
     *
     * @param operation as the body says it; what we do not know counts as "other"
     * @param failure why it is not done; null if it is
     * @param held since the receive
     */
    public void settled(Settled outcome, @Nullable String operation, @Nullable Failure failure, Duration held) {
        var tags = Tags.of(Keys.OUTCOME, outcome.label(), Keys.JOB, operation(operation));
        time(Metric.JOB_DURATION, tags, held);
        count(Metric.MESSAGES_SETTLED, tags.and(why(failure)), 1);
    }

    public void heartbeatFailed(String reason) {
        count(Metric.HEARTBEATS_FAILED, Tags.of(Keys.REASON, reasons.of(reason)), 1);
    }

    public void leaseLost() {
        count(Metric.LEASES_LOST, Tags.empty(), 1);
    }

    /** @param busy jobs at this moment */
    public void slots(int all, IntSupplier busy) {
        gauge(Metric.SLOTS, () -> all);
        gauge(Metric.SLOTS_BUSY, busy::getAsInt);
    }

    /** @param jobs that have a slot and wait for disk or memory */
    public void waitingForRoom(IntSupplier jobs) {
        gauge(Metric.SLOTS_WAITING, jobs::getAsInt);
    }

    public void paused(BooleanSupplier paused) {
        gauge(Metric.PAUSED, () -> paused.getAsBoolean() ? 1 : 0);
    }

    public void healthy(BooleanSupplier healthy) {
        gauge(Metric.HEALTHY, () -> healthy.getAsBoolean() ? 1 : 0);
    }

    // What jobs tell.

    public void chunksDone(int chunks) {
        count(Metric.CHUNKS, Tags.of(Keys.OUTCOME, Settled.DONE.label()), chunks);
    }

    /** An attempt at chunks failed, for good or not. */
    public void chunksFailed(int chunks, Failure failure) {
        count(Metric.CHUNK_FAILURES, Tags.of(why(failure)), chunks);
    }

    /** Their receipts say that they failed: they are not tried again unless somebody replays them. */
    public void chunksGivenUp(int chunks) {
        count(Metric.CHUNKS, Tags.of(Keys.OUTCOME, "failed"), chunks);
    }

    public void unlockWaited(Duration waited) {
        time(Metric.UNLOCK_WAIT, Tags.empty(), waited);
    }

    /** What a validation read. */
    public enum Subject {
        /** Its tables alone: its records are checked while they are folded. */
        DELTA,
        /** An intermediate whole, or of a snapshot what the merge has not left as it was proven. */
        OUTPUT
    }

    public void validated(Subject subject, Duration took) {
        time(Metric.VALIDATION, Tags.of(Keys.SUBJECT, subject == Subject.DELTA ? "delta" : "output"), took);
    }

    /** The pointer names our version now. */
    public void published(String database, Duration took, Traffic traffic) {
        var tags = Tags.of(Keys.DATABASE, databases.of(database));
        count(Metric.PUBLISHES, tags.and(Keys.OUTCOME, "won"), 1);
        time(Metric.PUBLISH_DURATION, tags, took);
        sum(Metric.PUBLISH_REQUESTS, tags, traffic.requests());
        sum(Metric.PUBLISH_SENT, tags, traffic.sent());
        sum(Metric.PUBLISH_RECEIVED, tags, traffic.received());
    }

    /** @param kept whether the base of a publish was still on this worker's disk, else it was downloaded */
    public void baseFetched(boolean kept) {
        count(Metric.BASES, Tags.of(Keys.OUTCOME, kept ? "kept" : "downloaded"), 1);
    }

    /** Somebody else was faster. */
    public void publishLost(String database) {
        count(Metric.PUBLISHES, Tags.of(Keys.DATABASE, databases.of(database), Keys.OUTCOME, "lost"), 1);
    }

    // What idle workers tell.

    /** An open batch had gone quiet and got messages again. */
    public void swept(String database, int messages) {
        var tags = Tags.of(Keys.DATABASE, databases.of(database));
        count(Metric.SWEPT_BATCHES, tags, 1);
        count(Metric.SWEPT_MESSAGES, tags, messages);
    }

    /** @param subject kind of what was taken away, such as {@code intermediate} */
    public void collected(String subject, long objects, long bytes) {
        var tags = Tags.of(Keys.SUBJECT, subject);
        count(Metric.COLLECTED_OBJECTS, tags, objects);
        count(Metric.COLLECTED, tags, bytes);
    }

    public void upkeepFailed(Failure failure) {
        count(Metric.UPKEEP_FAILURES, Tags.of(why(failure)), 1);
    }

    /**
     * One attempt of one request to S3.
     *
     * @param call the SDK's name of it, such as {@code PutObject}
     * @param status of HTTP; 0: no answer
     */
    public void s3Request(String call, int status, long sent, long received) {
        s3.add(sent, received);
        var kind = status == 0 ? Bounded.NONE : status / 100 + "xx";
        count(Metric.S3_REQUESTS, Tags.of(Keys.CALL, calls.of(call), Keys.STATUS, kind), 1);
        count(Metric.S3_SENT, Tags.empty(), sent);
        count(Metric.S3_RECEIVED, Tags.empty(), received);
    }

    /** All requests that {@link #s3Request} was told of. */
    public Traffic s3() {
        return s3;
    }

    // What is measured now and then.

    /** Depths of the two queues, as SQS knows them. */
    public void queues(long visible, long inFlight, long delayed, long deadLetters) {
        depths.set(new Depths(visible, inFlight, delayed, deadLetters));
        gauge(Metric.QUEUE_VISIBLE, () -> depths.get().visible());
        gauge(Metric.QUEUE_IN_FLIGHT, () -> depths.get().inFlight());
        gauge(Metric.QUEUE_DELAYED, () -> depths.get().delayed());
        gauge(Metric.DEAD_LETTERS, () -> depths.get().deadLetters());
        gauge(
                Metric.BACKLOG_MESSAGES,
                () -> depths.get().visible()
                        + depths.get().inFlight()
                        + depths.get().delayed());
    }

    /** What each database waits for; a database that is not named any more waits for nothing. */
    public void backlog(Map<String, Backlog> byDatabase) {
        var gauges = backlog;
        if (gauges != null) {
            gauges.show(byDatabase);
            gauge(Metric.BACKLOG_AGE, () -> age(gauges.shownAt()));
            gauge(Metric.BACKLOG_WORK, gauges::total);
        }
    }

    public void scratch(LongSupplier bytes) {
        gauge(Metric.SCRATCH, bytes::getAsLong);
    }

    public void filesOpen(LongSupplier descriptors) {
        gauge(Metric.FILES_OPEN, descriptors::getAsLong);
    }

    public void protectionCalled(boolean done) {
        count(Metric.PROTECTION_CALLS, Tags.of(Keys.OUTCOME, done ? "done" : "failed"), 1);
    }

    private static String operation(@Nullable String named) {
        if (named == null) {
            return Bounded.NONE;
        }
        return OPERATIONS.contains(named) ? named : Bounded.OTHER;
    }

    private Tags why(@Nullable Failure failure) {
        return failure == null
                ? Tags.of(Keys.BLAME, Bounded.NONE, Keys.REASON, Bounded.NONE)
                : Tags.of(Keys.BLAME, failure.blame().label(), Keys.REASON, reasons.of(failure.reason()));
    }

    private double age(@Nullable Instant since) {
        return since == null
                ? Double.NaN
                : Duration.between(since, clock.instant()).toMillis() / 1000.0;
    }

    private void count(Metric metric, Tags tags, long amount) {
        if (registry != null) {
            Counter.builder(metric.id())
                    .description(metric.description())
                    .baseUnit(metric.unit())
                    .tags(tags)
                    .register(registry)
                    .increment((double) amount);
        }
    }

    private void time(Metric metric, Tags tags, Duration took) {
        if (registry != null) {
            Timer.builder(metric.id())
                    .description(metric.description())
                    .tags(tags)
                    .register(registry)
                    .record(took);
        }
    }

    private void sum(Metric metric, Tags tags, long amount) {
        if (registry != null) {
            DistributionSummary.builder(metric.id())
                    .description(metric.description())
                    .baseUnit(metric.unit())
                    .tags(tags)
                    .register(registry)
                    .record((double) amount);
        }
    }

    /** The first registration of a gauge stands. */
    private void gauge(Metric metric, Supplier<Number> value) {
        var into = registry;
        if (into != null && registered.add(metric)) {
            var _ = Gauge.builder(metric.id(), value)
                    .description(metric.description())
                    .baseUnit(metric.unit())
                    .register(into);
        }
    }
}
