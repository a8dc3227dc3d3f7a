package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/**
 * A binary heap of nodes by distance, nearest first or farthest first. An entry is one long, the distance above the node, so equal
 * distances are ordered by node and every run is the same.
 */
final class Nearest {
    private static final int FEW = 128;

    private final long flip;
    private long[] heap = new long[64];
    private int size;

    private Nearest(long flip) {
        this.flip = flip;
    }

    static Nearest nearestFirst() {
        return new Nearest(0);
    }

    static Nearest farthestFirst() {
        return new Nearest(-1);
    }

    /** One entry; entries compare as their distances do, negative ones too. */
    static long entry(float distance, int node) {
        int bits = Float.floatToIntBits(distance);
        return (long) (bits ^ ((bits >> 31) & 0x7fffffff)) << 32 | node;
    }

    static int node(long entry) {
        return (int) entry;
    }

    static float distance(long entry) {
        int bits = (int) (entry >> 32);
        return Float.intBitsToFloat(bits ^ ((bits >> 31) & 0x7fffffff));
    }

    /** Sorts entries. Few, as they mostly are, by insertion: the JDK's sort has so much code that compiling it costs more than it saves. */
    static void sort(long[] entries, int count) {
        if (count > FEW) {
            Arrays.sort(entries, 0, count);
            return;
        }
        for (int k = 1; k < count; k++) {
            long entry = entries[k];
            int at = k;
            for (; at > 0 && entries[at - 1] > entry; at--) {
                entries[at] = entries[at - 1];
            }
            entries[at] = entry;
        }
    }

    int size() {
        return size;
    }

    void clear() {
        size = 0;
    }

    long top() {
        return heap[0] ^ flip;
    }

    void push(long entry) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, 2 * size);
        }
        long key = entry ^ flip;
        int at = size++;
        while (at > 0 && heap[(at - 1) / 2] > key) {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = key;
    }

    long pop() {
        long top = heap[0];
        long last = heap[--size];
        int at = 0;
        for (int child = 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= last) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = last;
        return top ^ flip;
    }

    /** All entries, nearest first; the heap stays as it is. */
    long[] sorted() {
        long[] entries = new long[size];
        for (int i = 0; i < size; i++) {
            entries[i] = heap[i] ^ flip;
        }
        Arrays.sort(entries);
        return entries;
    }
}
