package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Nodes to be, in the order in which they will be appended: each has a label, a level, and the stored form of a vector. */
final class Newcomers {
    private final Vectors vectors;
    private final int[] which;
    private final int[] labels;
    private final byte[] levels;
    private int size;

    /** Writes stored forms of vectors where they belong; any thread may ask. */
    interface Vectors {
        /** Writes vector {@code k}, counted as they were added; returns its length, which only a cosine index needs. */
        float write(int k, MemorySegment into);
    }

    /** @param most how many will be {@linkplain #add added} */
    Newcomers(int most, Vectors vectors) {
        this(vectors, IntStream.range(0, most).toArray(), new int[most], new byte[most]);
    }

    private Newcomers(Vectors vectors, int[] which, int[] labels, byte[] levels) {
        this.vectors = vectors;
        this.which = which;
        this.labels = labels;
        this.levels = levels;
    }

    void add(int label, int level) {
        labels[size] = label;
        levels[size++] = (byte) level;
    }

    int size() {
        return size;
    }

    int label(int k) {
        return labels[which[k]];
    }

    int level(int k) {
        return levels[which[k]];
    }

    /** Writes the stored form of a vector; returns its length. */
    float write(int k, MemorySegment into) {
        return vectors.write(which[k], into);
    }

    /** The same, those of the highest level first. */
    Newcomers byLevel() {
        var sorted = new Newcomers(vectors, byLevel(IntStream.range(0, size).toArray()), labels, levels);
        sorted.size = size;
        return sorted;
    }

    /** Sorts some of them likewise. */
    int[] byLevel(int[] some) {
        return Arrays.stream(some)
                .mapToLong(k -> (long) (Layout.MAX_LEVEL - level(k)) << 32 | k)
                .sorted()
                .mapToInt(key -> (int) key)
                .toArray();
    }
}
