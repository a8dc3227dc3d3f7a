package dev.chromacompactor.batch;

import java.util.Comparator;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The place of one delta in the total order of all deltas; of the same meaning as the engine's own stamp.
 *
 * @param millis when it was written, milliseconds since the epoch
 * @param position chunk index × 2²⁰ + place in the chunk's list
 * @param key delta key + identity
 */
public record InputStamp(long millis, long position, String key) implements Comparable<InputStamp> {
    private static final int PLACES_BITS = 20;
    private static final Comparator<InputStamp> ORDER = Comparator.comparingLong(InputStamp::millis)
            .thenComparingLong(InputStamp::position)
            .thenComparing(InputStamp::key);

    /**
     * The stamp of a delta. Its time is the time its content speaks of, never later than the store first saw it: the
     * content makes the order survive copies and restores, the store's clock stops a producer whose clock runs ahead.
     *
     * @param declared what plan or message say
     * @param lastOperation the newest time in the delta's write-ahead log; used if nothing is declared
     * @param lastModified pinned, see {@link #pinned}
     * @param chunk index of the chunk
     * @param place in the list of the chunk
     * @param delta key of the delta
     * @param identity its ETag or digest
     */
    public static InputStamp of(
            @Nullable Long declared,
            OptionalLong lastOperation,
            long lastModified,
            int chunk,
            int place,
            String delta,
            String identity) {
        long written = declared != null ? declared : lastOperation.orElse(lastModified);
        return new InputStamp(Math.min(written, lastModified), position(chunk, place), delta + identity);
    }

    /** Chunk index × 2²⁰ + place in the chunk's list. */
    public static long position(int chunk, int place) {
        return ((long) chunk << PLACES_BITS) + place;
    }

    /**
     * The LastModified that counts for a delta: the plan's, else the one in a receipt of this chunk, else the one
     * listed now. A delta that is repaired in place and replayed keeps the time of its first sight.
     */
    public static long pinned(@Nullable Plan plan, @Nullable Receipt receipt, int chunk, String delta, long listed) {
        Optional<Long> planned = plan == null
                ? Optional.empty()
                : plan.deltas(chunk).stream()
                        .filter(each -> each.key().equals(delta))
                        .map(Plan.Delta::lastModified)
                        .findFirst();
        return planned.or(() -> receipt == null ? Optional.empty() : receipt.pinned(delta))
                .orElse(listed);
    }

    @Override
    public int compareTo(InputStamp other) {
        return ORDER.compare(this, other);
    }
}
