package dev.chromacompactor.chroma.hnsw;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A short list of {@link Nearest} entries for each of many rows, outside the heap: 8 bytes for each place and 4 for each row. */
final class Lists {
    private final MemorySegment entries;
    private final int[] counts;
    private final int width;

    Lists(Arena arena, int rows, int width) {
        this.entries = arena.allocate(8L * rows * width, 8);
        this.counts = new int[rows];
        this.width = width;
    }

    int width() {
        return width;
    }

    /** Copies the list of a row, which must fit, and returns its length. */
    int get(int row, long[] into) {
        MemorySegment.copy(entries, JAVA_LONG, 8L * row * width, into, 0, counts[row]);
        return counts[row];
    }

    void set(int row, long[] list, int count) {
        MemorySegment.copy(list, 0, entries, JAVA_LONG, 8L * row * width, count);
        counts[row] = count;
    }
}
