package dev.chromacompactor.batch;

import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.store.ObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * {@code batches/<batch>/swept.json}: when an idle worker last looked after an open batch that had gone quiet. It is written
 * before anything is sent, by condition, so of several sweepers one sends; and it makes the next one wait, longer each
 * time.
 *
 * @param quietSince when the batch last gave a sign of life: marker, plan and receipts; milliseconds, by the store's clock
 * @param at when it was swept, likewise
 * @param times how often in a row, without a sign of life in between; from 1
 * @param messages sent then; 0 if there was nothing that a message could bring
 */
public record Swept(int format, String batch, String database, long quietSince, long at, int times, int messages) {
    public static final int FORMAT = 1;

    /** A batch that stays quiet is looked after at least so often, unless it may be quiet for longer than that anyway. */
    private static final Duration LONGEST_WAIT = Duration.ofDays(1);

    private static final int MOST_DOUBLINGS = 16;

    public Swept {
        Objects.requireNonNull(batch, "batch");
        Objects.requireNonNull(database, "database");
    }

    /** The last one of a batch that is or was open. */
    public static Optional<Swept> read(ObjectStore store, String batch) {
        return store.read(BatchKeys.swept(batch)).map(Swept::of);
    }

    public static Swept of(ObjectStore.Content content) {
        return Json.read(content.bytes(), Swept.class, content.info().key());
    }

    public byte[] bytes() {
        return Json.write(this);
    }

    /**
     * When it is time again.
     *
     * @param life the batch's last sign of life
     * @param after how long a batch may be quiet
     */
    public Instant due(Instant life, Duration after) {
        if (goneOn(life)) {
            return life.plus(after);
        }
        Duration most = after.compareTo(LONGEST_WAIT) < 0 ? LONGEST_WAIT : after;
        Duration doubled = after.multipliedBy(1L << Math.clamp(times - 1L, 0, MOST_DOUBLINGS));
        return Instant.ofEpochMilli(at).plus(doubled.compareTo(most) < 0 ? doubled : most);
    }

    /** Whether the batch has given a sign of life since. */
    public boolean goneOn(Instant life) {
        return life.toEpochMilli() > at;
    }
}
