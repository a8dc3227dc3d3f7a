package dev.chromacompactor.compaction;

import java.util.Locale;

/**
 * What a job takes at its peak, in bytes, or what there is of it.
 *
 * @param disk below its scratch directory
 * @param heap of the JVM
 * @param offHeap SQLite's caches and buffers; mapped index files are not counted, the kernel drops them when it must
 */
public record Footprint(long disk, long heap, long offHeap) {
    public static final Footprint NONE = new Footprint(0, 0, 0);

    public Footprint {
        if (disk < 0 || heap < 0 || offHeap < 0) {
            throw new IllegalArgumentException("below zero: " + disk + ", " + heap + ", " + offHeap);
        }
    }

    Footprint plus(Footprint other) {
        return new Footprint(sum(disk, other.disk), sum(heap, other.heap), sum(offHeap, other.offHeap));
    }

    /** What is left without the other; of what the other has more of, nothing. */
    Footprint minus(Footprint other) {
        return new Footprint(
                Math.max(0, disk - other.disk), Math.max(0, heap - other.heap), Math.max(0, offHeap - other.offHeap));
    }

    boolean fitsInto(Footprint room) {
        return disk <= room.disk && heap <= room.heap && offHeap <= room.offHeap;
    }

    /** Why this can never be done within {@code total}, and what to change. */
    String tooLarge(Footprint total) {
        var text = new StringBuilder();
        if (disk > total.disk) {
            text.append("needs ")
                    .append(text(disk))
                    .append(" of disk, this worker has ")
                    .append(text(total.disk));
            text.append(": give its task more ephemeral storage, or raise COMPACTOR_SCRATCH_MIB. ");
        }
        if (heap > total.heap) {
            text.append("needs ")
                    .append(text(heap))
                    .append(" of Java heap, this worker has ")
                    .append(text(total.heap));
            text.append(": give its task more memory, or raise -Xmx in COMPACTOR_JAVA_OPTS. ");
        }
        if (offHeap > total.offHeap) {
            text.append("needs ").append(text(offHeap)).append(" of memory beside the Java heap, this worker has ");
            text.append(text(total.offHeap))
                    .append(": give its task more memory, or lower -Xmx in COMPACTOR_JAVA_OPTS. ");
        }
        return text.append("Then replay the message").toString();
    }

    /** Bytes for people. */
    static String text(long bytes) {
        if (bytes < 1L << 20) {
            return bytes + " bytes";
        }
        return bytes < 10L << 30
                ? String.format(Locale.ROOT, "%.1f MiB", bytes / 0x1p20)
                : String.format(Locale.ROOT, "%.1f GiB", bytes / 0x1p30);
    }

    private static long sum(long a, long b) {
        return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
    }

    @Override
    public String toString() {
        return text(disk) + " of disk, " + text(heap) + " of heap, " + text(offHeap) + " beside it";
    }
}
