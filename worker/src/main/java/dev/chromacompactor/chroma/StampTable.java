package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.FailureException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** {@code compactor_stamp}: each stamp once, so that a record or register needs only its number. 0 is the oldest. */
final class StampTable {
    static final long OLDEST = 0;

    private final FoldDatabase database;
    private final Map<Stamp, Long> refs = new HashMap<>();
    private final Map<Long, Stamp> stamps = new HashMap<>();

    StampTable(FoldDatabase database) {
        this.database = database;
        remember(Register.OLDEST, OLDEST);
        database.each(
                "SELECT ref, millis, position, key FROM compactor_stamp",
                row -> remember(new Stamp(row.getLong(2), row.getLong(3), row.getString(4)), row.getLong(1)));
    }

    private void remember(Stamp stamp, long ref) {
        refs.put(stamp, ref);
        stamps.put(ref, stamp);
    }

    /** The number of a stamp, a new one if need be. */
    long ref(Stamp stamp) {
        Long known = refs.get(stamp);
        if (known != null) {
            return known;
        }
        database.update(
                "INSERT INTO compactor_stamp (millis, position, key) VALUES (?, ?, ?)",
                stamp.millis(),
                stamp.position(),
                stamp.key());
        long ref = database.number("SELECT last_insert_rowid()");
        remember(stamp, ref);
        return ref;
    }

    /** @param ref null and 0 are the oldest */
    Stamp stamp(@Nullable Long ref) {
        var stamp = stamps.get(ref == null ? OLDEST : ref);
        if (stamp == null) {
            throw FailureException.input(
                    "compactor-tables-invalid", "read " + database.file() + ": there is no compactor_stamp " + ref);
        }
        return stamp;
    }

    /** All by their numbers, the oldest among them. */
    Map<Long, Stamp> byRef() {
        return Map.copyOf(stamps);
    }

    /** In stamp order, without the oldest. */
    List<Stamp> all() {
        var sorted = new TreeSet<>(refs.keySet());
        sorted.remove(Register.OLDEST);
        return List.copyOf(sorted);
    }
}
