package dev.chromacompactor.chroma;

import java.util.Comparator;

/**
 * The place of one delta in the total order of all deltas: written earlier sorts first.
 *
 * @param millis when it was written, milliseconds since the epoch, UTC
 * @param position chunk index × 2²⁰ + place in the chunk; breaks ties of the same millisecond
 * @param key delta key + ETag; breaks what is left, arbitrary but fixed
 */
public record Stamp(long millis, long position, String key) implements Comparable<Stamp> {
    private static final Comparator<Stamp> ORDER = Comparator.comparingLong(Stamp::millis)
            .thenComparingLong(Stamp::position)
            .thenComparing(Stamp::key);

    @Override
    public int compareTo(Stamp other) {
        return ORDER.compare(this, other);
    }
}
