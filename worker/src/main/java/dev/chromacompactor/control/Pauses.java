package dev.chromacompactor.control;

import dev.chromacompactor.store.ObjectStore;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The pauses of a bucket: {@code control/pause.json} for everything, {@code <db>/control/pause.json} for what one database
 * publishes.
 *
 * <p>A pause is no fence: a pointer write that was under way when the object was written may still land.
 */
public final class Pauses {
    private final ObjectStore store;
    private final InstantSource clock;

    /** @param clock by which a pause ends */
    public Pauses(ObjectStore store, InstantSource clock) {
        this.store = store;
        this.clock = clock;
    }

    /** @param database null: of everything */
    public static String key(@Nullable String database) {
        return (database == null ? "" : database + "/") + "control/pause.json";
    }

    /** What lies there, whether it still holds or not. */
    public Optional<Pause> read(@Nullable String database) {
        String key = key(database);
        return store.read(key).map(content -> Pause.read(content.bytes(), key));
    }

    /** What lies there and holds now. */
    public Optional<Pause> holding(@Nullable String database) {
        return read(database).filter(pause -> pause.holds(clock.instant()));
    }

    /** Replaces what was there. */
    public void write(@Nullable String database, Pause pause) {
        var _ = store.put(key(database), pause.bytes());
    }

    public void remove(@Nullable String database) {
        store.delete(List.of(key(database)));
    }

    /**
     * To be asked before a publish looks at anything, and once more before it writes the pointer.
     *
     * @throws PausedException if everything, or this database, is paused
     */
    public void requireNone(String database) {
        holding(null).ifPresent(pause -> {
            throw new PausedException(pause, key(null));
        });
        holding(database).ifPresent(pause -> {
            throw new PausedException(pause, key(database));
        });
    }
}
