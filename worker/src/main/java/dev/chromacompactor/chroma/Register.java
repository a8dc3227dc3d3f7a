package dev.chromacompactor.chroma;

import org.jspecify.annotations.Nullable;

/**
 * One part of a record and when it was last written.
 *
 * @param value null if it was removed then
 */
record Register<T>(Stamp stamp, @Nullable T value) {
    /** Older than every delta: what a foreign base, or anything from before the horizon, counts as. */
    static final Stamp OLDEST = new Stamp(Long.MIN_VALUE, Long.MIN_VALUE, "");

    boolean removed() {
        return value == null;
    }

    /** The later of the two; of one stamp there is one value, so either will do. */
    static <T> @Nullable Register<T> later(@Nullable Register<T> a, @Nullable Register<T> b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return b.stamp.compareTo(a.stamp) > 0 ? b : a;
    }
}
