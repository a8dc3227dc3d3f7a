package dev.chromacompactor.upkeep;

import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.snapshot.Keep;
import dev.chromacompactor.snapshot.VersionCollector;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker does while it has nothing to do: now and then it sweeps each database, and less often it takes away what
 * nobody needs any more. Nothing is done for a database that is paused. Whatever fails is said and counted, and tried again
 * the next time; it is never the worker's end.
 */
public final class Upkeep implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);

    /** A collection lists all that batches left in the bucket: so many times rarer than a sweep. */
    private static final int SWEEPS_TO_A_COLLECTION = 12;

    /**
     * @param every how often to sweep, on average
     * @param sweepAfter how long an open batch may be quiet
     * @param keep versions; intermediates stay as long as what was superseded
     */
    public record Settings(Duration every, Duration sweepAfter, Keep keep) {}

    private final ObjectStore store;
    private final Settings settings;
    private final BooleanSupplier idle;
    private final Metrics metrics;
    private final InstantSource clock;
    private final Random random;
    private final Pauses pauses;
    private final Sweeper sweeper;
    private final Leftovers leftovers;
    private final CountDownLatch closed = new CountDownLatch(1);
    /** Virtual, as only there an interrupt ends a call that waits for an answer. */
    private final Thread thread = Thread.ofVirtual().name("upkeep").unstarted(this::turnNowAndThen);

    private Instant nextCollection;

    /**
     * @param sender of the work queue
     * @param idle whether the worker has nothing to do
     * @param random spreads what several workers do over time
     */
    public Upkeep(
            ObjectStore store,
            Sender sender,
            Settings settings,
            BooleanSupplier idle,
            Metrics metrics,
            InstantSource clock,
            Random random) {
        this.store = store;
        this.settings = settings;
        this.idle = idle;
        this.metrics = metrics;
        this.clock = clock;
        this.random = random;
        this.pauses = new Pauses(store, clock);
        this.sweeper = new Sweeper(store, sender, settings.sweepAfter(), metrics);
        this.leftovers = new Leftovers(store, settings.keep().superseded());
        this.nextCollection = clock.instant().plus(part(collectEvery()));
    }

    public void start() {
        thread.start();
    }

    /** At once: what is under way is cut off, and whoever comes next does it again. */
    @Override
    public void close() {
        closed.countDown();
        thread.interrupt();
    }

    private void turnNowAndThen() {
        try {
            // Workers that start together do not sweep together, and many that live for minutes do it as often as one.
            Duration pause = part(settings.every());
            while (!closed.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                turn();
                pause = spread(settings.every());
            }
        } catch (InterruptedException e) {
            // Only close() interrupts.
        }
    }

    /** One turn, if there is nothing else to do. */
    void turn() {
        if (idle.getAsBoolean()) {
            safely("everything", () -> {
                if (pauses.holding(null).isEmpty()) {
                    tidy(Databases.in(store));
                }
            });
        }
    }

    private void tidy(List<String> databases) {
        List<String> paused = new ArrayList<>();
        List<String> working = new ArrayList<>();
        for (String database : databases) {
            (pauses.holding(database).isPresent() ? paused : working).add(database);
        }
        Collections.shuffle(working, random);
        for (String database : working) {
            safely(database, () -> sweeper.sweep(database, this::goesOn));
        }
        if (!clock.instant().isBefore(nextCollection) && goesOn()) {
            nextCollection = clock.instant().plus(spread(collectEvery()));
            for (String database : working) {
                safely(database, () -> versions(database));
            }
            safely("leftovers", () -> leftovers.collect(working, paused, this::goesOn, metrics));
        }
    }

    private void versions(String database) {
        var collected = new VersionCollector(store, database, settings.keep()).collect((_, _, _) -> {});
        if (collected.objects() > 0) {
            metrics.collected("version", collected.objects(), collected.bytes());
        }
    }

    private boolean goesOn() {
        return closed.getCount() > 0;
    }

    private Duration collectEvery() {
        return settings.every().multipliedBy(SWEEPS_TO_A_COLLECTION);
    }

    /** Half of it to one and a half. */
    private Duration spread(Duration length) {
        return length.dividedBy(2).plus(part(length));
    }

    private Duration part(Duration length) {
        return Duration.ofMillis(random.nextLong(Math.max(1, length.toMillis())));
    }

    /** What goes wrong with one thing stops neither the others nor the worker. */
    private void safely(String what, Runnable work) {
        if (!goesOn()) {
            return;
        }
        try {
            work.run();
        } catch (FailureException e) {
            if (goesOn()) {
                metrics.upkeepFailed(e.failure());
                LOG.atWarn()
                        .addKeyValue(Keys.REASON, e.failure().reason())
                        .addKeyValue(Keys.MESSAGE, e.failure().message())
                        .log("upkeep of {} not done, tried again later", what);
            }
        } catch (RuntimeException e) {
            if (!goesOn()) {
                return; // close() cut it off, and what it worked with may be closed by now
            }
            // Whatever it is: messages are handled all the same, and an upkeep that ends unseen is worse.
            metrics.upkeepFailed(new Failure(Blame.INVARIANT, "unexpected-error", String.valueOf(e.getMessage())));
            LOG.atError().setCause(e).log("upkeep of {} failed in a way that nobody foresaw, tried again later", what);
        }
    }
}
