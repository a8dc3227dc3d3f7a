package dev.chromacompactor.snapshot;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.Content;
import dev.chromacompactor.store.PutOutcome;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code <db>/snapshot/claim.json}: says that a publish of this database is under way, so that nobody else builds a version
 * in vain meanwhile. Whoever holds it takes along what the others have ready.
 *
 * <p>A hint, and never needed for safety: the pointer write alone decides who publishes. It holds for {@link #VALID} since
 * it was last written, by the store's clock, and its holder writes it again and again; so a holder that died, or whose
 * machine stood still, is in nobody's way for longer than that.
 */
public final class Claim implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Claim.class);

    /** Long beside one request to the store, short beside the time until the message of a dead worker comes again. */
    static final Duration VALID = Duration.ofSeconds(10);

    private static final Duration RENEWAL = Duration.ofSeconds(3);
    /** The store knows the time of a write in whole seconds, cut off. */
    private static final Duration CUT_OFF = Duration.ofSeconds(1);

    /**
     * @param by one job, no other has this name
     * @param what it does, for people
     * @param millis for how long since it was written; 0: it was given back
     */
    record Note(int format, String by, String what, long millis) {
        static final int FORMAT = 1;
    }

    private final ObjectStore store;
    private final String key;
    private final String what;
    private final String by = UUID.randomUUID().toString();

    /** Of the object as we wrote it; null: not ours, or not any more. */
    private @Nullable String etag;

    private @Nullable ScheduledExecutorService renewal;
    private boolean taken;

    /** @param what is done under it, for people */
    public Claim(ObjectStore store, String database, String what) {
        this.store = store;
        this.key = key(database);
        this.what = what;
    }

    public static String key(String database) {
        return database + "/snapshot/claim.json";
    }

    /** Whether {@link #take} was answered with true. */
    public synchronized boolean taken() {
        return taken;
    }

    /** Whether somebody holds it now: a look that costs less than to prepare for {@link #take}. */
    public boolean isHeld() {
        return store.read(key).filter(this::holds).isPresent();
    }

    /**
     * Takes it if nobody holds it.
     *
     * @param before what has to be had first, and may take long: who waits for it must not keep others waiting
     * @return false if somebody else does. Without a clear answer true: it is better to work in vain than not at all
     */
    public synchronized boolean take(Runnable before) {
        Optional<Content> there = store.read(key);
        if (there.isPresent() && holds(there.get())) {
            return false;
        }
        before.run();
        byte[] mine = note(VALID);
        PutOutcome outcome = there.isEmpty()
                ? store.putIfAbsent(key, mine)
                : store.putIfMatch(key, mine, there.get().info().etag());
        switch (outcome) {
            case PutOutcome.Won(String written) -> {
                etag = written;
                renewal = Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("claim").factory());
                var _ = renewal.scheduleAtFixedRate(
                        this::renew, RENEWAL.toMillis(), RENEWAL.toMillis(), TimeUnit.MILLISECONDS);
            }
            case PutOutcome.Lost _ -> {
                return false;
            }
            case PutOutcome.Unknown _ -> {} // then nobody renews it
        }
        taken = true;
        return true;
    }

    private boolean holds(Content there) {
        Note note;
        try {
            note = Json.read(there.bytes(), Note.class, key);
        } catch (FailureException e) {
            log.atInfo().addKeyValue("key", key).log("claim not understood, taken over");
            return false;
        }
        return note.millis() > 0
                && there.info()
                        .lastModified()
                        .plus(CUT_OFF)
                        .plusMillis(note.millis())
                        .isAfter(store.now());
    }

    /** Says that we still are at it. If somebody took it over, it is his. */
    synchronized void renew() {
        write(VALID, "renewed");
    }

    /** So that others need not wait until it has run out. If it is not ours, or not any more, nothing happens. */
    public synchronized void giveBack() {
        if (renewal != null) {
            renewal.shutdown();
            renewal = null;
        }
        write(Duration.ZERO, "given back");
        etag = null;
    }

    @Override
    public void close() {
        giveBack();
    }

    /** What goes wrong here costs others a wait of seconds, and the publish nothing. */
    private void write(Duration valid, String doing) {
        String before = etag;
        if (before == null) {
            return;
        }
        try {
            etag = store.putIfMatch(key, note(valid), before) instanceof PutOutcome.Won(String now) ? now : null;
        } catch (FailureException e) {
            etag = null;
            log.atInfo()
                    .addKeyValue("key", key)
                    .addKeyValue(Keys.REASON, e.failure().reason())
                    .log("claim not {}, it runs out by itself", doing);
        }
    }

    private byte[] note(Duration valid) {
        return Json.write(new Note(Note.FORMAT, by, what, valid.toMillis()));
    }
}
