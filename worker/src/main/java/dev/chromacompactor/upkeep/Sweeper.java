package dev.chromacompactor.upkeep;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Next;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.OpenBatches.Marker;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Swept;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.NextMessages;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.message.Trace;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.Content;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.store.PutOutcome;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Looks after open batches that have gone quiet: of which neither marker, plan nor receipt is younger than the quiet
 * time. What got lost of their messages is sent again, from plan and receipts alone.
 *
 * <p>Of several sweepers one sends, as {@link Swept} is written by condition before; each further time in a row it waits
 * twice as long, up to a day. A duplicate does no harm, so the quiet time is no fence: a job that takes longer is only
 * done twice. Dying between that write and sending costs one such wait.
 *
 * <p>A marker without a plan stands for nothing that could be sent. Producers write the plan first, so it is either the
 * work of a broken hand or what is left of a batch whose plan was removed: after a day it is taken away. Whoever has
 * something of that batch after all opens it again, with the plan.
 */
public final class Sweeper {
    private static final Logger LOG = LoggerFactory.getLogger(Sweeper.class);

    private static final Duration UNPLANNED = Duration.ofDays(1);

    private final ObjectStore store;
    private final Sender sender;
    private final Duration after;
    private final Metrics metrics;
    private final Plans plans;
    private final FanIn fanIn;

    /** @param after how long a batch may be quiet: longer than the longest job */
    public Sweeper(ObjectStore store, Sender sender, Duration after, Metrics metrics) {
        this.store = store;
        this.sender = sender;
        this.after = after;
        this.metrics = metrics;
        this.plans = new Plans(store);
        this.fanIn = new FanIn(store);
    }

    /** A batch for which it is time, and what its last sweep left. */
    private record Quiet(
            Marker marker,
            Instant since,
            int times,
            @Nullable Content swept) {
        String batch() {
            return marker.batch();
        }
    }

    /**
     * One look at every open batch of a database.
     *
     * @param goOn asked before each batch
     * @throws FailureException of S3 or SQS, or if the database contradicts itself; a batch that cannot be read is left
     *     out, said and counted
     */
    public void sweep(String database, BooleanSupplier goOn) {
        var open = new OpenBatches(store, database);
        Instant now = store.now();
        Lineage live = null;
        for (Marker marker : open.list()) {
            if (!goOn.getAsBoolean()) {
                return;
            }
            Optional<Quiet> quiet = quiet(marker, now);
            if (quiet.isEmpty()) {
                continue;
            }
            live = live == null ? new SnapshotCatalog(store, database).live().lineage() : live;
            try {
                lookAfter(quiet.get(), database, open, live, now);
            } catch (FailureException e) {
                if (e.failure().blame() != Blame.INVARIANT) {
                    throw e;
                }
                metrics.upkeepFailed(e.failure());
                line(quiet.get(), database)
                        .addKeyValue(Keys.REASON, e.failure().reason())
                        .addKeyValue(Keys.MESSAGE, e.failure().message())
                        .log("open batch cannot be read, left as it is");
            }
        }
    }

    private Optional<Quiet> quiet(Marker marker, Instant now) {
        if (marker.since().plus(after).isAfter(now)) {
            return Optional.empty();
        }
        Content there = null;
        Instant life = marker.since();
        for (ObjectInfo object : store.list(BatchKeys.folder(marker.batch()))) {
            if (object.key().equals(BatchKeys.swept(marker.batch()))) {
                there = store.read(object.key()).orElse(null);
            } else if (object.lastModified().isAfter(life)) {
                life = object.lastModified();
            }
        }
        Swept last = there == null ? null : Swept.of(there);
        Instant due = last == null ? life.plus(after) : last.due(life, after);
        return due.isAfter(now)
                ? Optional.empty()
                : Optional.of(new Quiet(marker, life, last == null || last.goneOn(life) ? 0 : last.times(), there));
    }

    private void lookAfter(Quiet quiet, String database, OpenBatches open, Lineage live, Instant now) {
        Optional<Plan> plan =
                plans.read(quiet.batch()).filter(each -> each.database().equals(database));
        if (plan.isEmpty()) {
            if (quiet.marker().since().plus(UNPLANNED).isBefore(now)) {
                open.close(List.of(quiet.batch()));
                line(quiet, database).log("marker without a plan of this database taken away");
            }
            return;
        }
        Published published = Published.read(store, quiet.batch()).orElse(null);
        boolean expired = quiet.marker().since().toEpochMilli() < live.horizon();
        List<Next> next = Needs.of(fanIn.look(plan.get()), live, published, expired);
        var mine = new Swept(
                Swept.FORMAT,
                quiet.batch(),
                database,
                quiet.since().toEpochMilli(),
                now.toEpochMilli(),
                quiet.times() + 1,
                next.size());
        if (claim(mine, quiet.swept()) instanceof PutOutcome.Won(String etag) && !next.isEmpty()) {
            send(plan.get(), next, mine, etag, quiet.swept());
        }
    }

    /** Nobody knows: then nothing is sent, and if it was written after all, the next one comes a wait later. */
    private PutOutcome claim(Swept mine, @Nullable Content before) {
        String key = BatchKeys.swept(mine.batch());
        return before == null
                ? store.putIfAbsent(key, mine.bytes())
                : store.putIfMatch(key, mine.bytes(), before.info().etag());
    }

    private void send(Plan plan, List<Next> next, Swept mine, String etag, @Nullable Content before) {
        try {
            Trace.start().run(() -> sender.send(NextMessages.of(plan, next)));
        } catch (FailureException e) {
            handBack(mine, etag, before);
            throw e;
        }
        metrics.swept(mine.database(), next.size());
        LOG.atWarn()
                .addKeyValue(Keys.BATCH_ID, mine.batch())
                .addKeyValue(Keys.DATABASE, mine.database())
                .log(
                        "open batch was quiet since {}, {} messages sent again, time {} in a row",
                        Instant.ofEpochMilli(mine.quietSince()),
                        next.size(),
                        mine.times());
    }

    /** What was not sent is not to make anybody wait. */
    private void handBack(Swept mine, String etag, @Nullable Content before) {
        String key = BatchKeys.swept(mine.batch());
        if (before == null) {
            store.delete(List.of(key));
        } else {
            var _ = store.putIfMatch(key, before.bytes(), etag);
        }
    }

    private static LoggingEventBuilder line(Quiet quiet, String database) {
        return LOG.atWarn().addKeyValue(Keys.BATCH_ID, quiet.batch()).addKeyValue(Keys.DATABASE, database);
    }
}
