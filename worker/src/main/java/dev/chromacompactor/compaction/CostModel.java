package dev.chromacompactor.compaction;

import java.util.List;

/**
 * What jobs take at their peak, from what is known before they download anything. Measured with
 * {@code worker/src/bench/footprint.py}; the figures and what follows from them stand in docs/decisions/0007-admission.md.
 */
public final class CostModel {
    /** Directories, empty databases (a delta of ten records is mostly that), the manifest. */
    private static final long DISK_BESIDE = 4L << 20;
    /**
     * Deltas are all there before the first is folded, and each is removed once it is. At the end there are the
     * intermediate (at most 1.1 times the deltas) and beside it its vectors once more (less than itself), or the
     * intermediate of a duplicate of the message that was faster.
     */
    private static final double DISK_PER_DELTA_BYTE = 2.2;
    /** Likewise: first the intermediates, then their join and once more its vectors. */
    private static final double DISK_PER_GROUPED_BYTE = 2;
    /** Intermediates stay in case the pointer moves; beside them their vectors in scratch, their vectors in the new index, their rows. */
    private static final double DISK_PER_PUBLISHED_BYTE = 3;
    /** Of a base the index is written anew beside the old one if too many of its nodes are deleted; else it grows in place. */
    private static final double DISK_PER_BASE_BYTE = 2;

    /** What lies beside the index of a node: where it is in 192 directions at most, its leaf, its hash. Never more than its record. */
    private static final long SIDECAR_PER_RECORD = 800;

    /** An archive of vectors shrinks little, but an index is preallocated: zeros, up to this for a collection. */
    private static final long PREALLOCATED = 32L << 20;

    private static final int PACKED = 4;
    /** What an archive of preallocated files alone has shrunk by. */
    private static final int PACKED_ZEROS = 100;

    /** Transfers, parsers, statements of a job, whatever it reads. */
    private static final long HEAP_BESIDE = 16L << 20;
    /** Ids and where they are, in what is folded or in a base that is read whole; vectors, documents and metadata stay on disk. */
    private static final long HEAP_PER_RECORD = 1_000;
    /** Numbers of nodes and places of ids, in the index of a base of ours and in the one it grows into; the ids stay on disk. */
    private static final long HEAP_PER_BASE_RECORD = 250;
    /** Where the vector of a record lies that was folded. */
    private static final long HEAP_PER_FOLDED = 150;
    /** Of inputs of which nobody has counted the records yet. */
    private static final long TYPICAL_RECORD_BYTES = 4_096;

    /** SQLite's page cache of the database that is written, as it is configured in {@code FoldDatabase}. */
    private static final long CACHE_MOST = 64L << 20;
    /**
     * The caches of those that are read: in a chunk of two deltas that are open, 8 MiB each until they are read, and 2 MiB of the one that is
     * attached. The rest is for buffers of transfers and for decompressors.
     */
    private static final long OFF_HEAP_BESIDE = 32L << 20;

    /** While many nodes are linked as a batch; as much as the vector itself more where no subspace will do, which is not counted. */
    private static final long LINKING_PER_NODE = 2_600;
    /** What that takes of memory; the rest of it lies in files. */
    private static final long LINKING_MOST = 512L << 20;

    /** While one delta of a chunk is folded, so many are read. */
    static final int READ_AHEAD = 1;

    private CostModel() {}

    /**
     * Something to be read.
     *
     * @param bytes on disk
     * @param records in it; below 0: nobody has counted them
     */
    public record Input(long bytes, long records) {
        static final Input NOTHING = new Input(0, 0);

        /** Of which only the size is known. */
        public static Input uncounted(long bytes) {
            return new Input(bytes, -1);
        }

        private long countedOrTypical() {
            return records < 0 ? bytes / TYPICAL_RECORD_BYTES : records;
        }
    }

    /** Of the smallest job. */
    static Footprint least() {
        return new Footprint(DISK_BESIDE, 2 * HEAP_BESIDE, OFF_HEAP_BESIDE + CACHE_MOST);
    }

    /** {@code process_chunk}. */
    public static Footprint chunk(List<LocatedDelta> deltas) {
        long packed = deltas.stream()
                .filter(LocatedDelta::archive)
                .mapToLong(LocatedDelta::bytes)
                .sum();
        long bytes = deltas.stream().mapToLong(CostModel::unpacked).sum();
        return new Footprint(
                DISK_BESIDE + packed + (long) (DISK_PER_DELTA_BYTE * bytes),
                HEAP_BESIDE + bytes / TYPICAL_RECORD_BYTES * HEAP_PER_FOLDED,
                offHeap(bytes));
    }

    /** More of it, once an archive turned out to hold so many bytes more than {@link #unpacked} thought. */
    static Footprint unpackedMore(long bytes) {
        return new Footprint((long) (bytes * DISK_PER_DELTA_BYTE), 0, 0);
    }

    /**
     * {@code process_chunk}, of which by now the records are counted: at least this much heap.
     *
     * @param most in one delta
     * @param all in all deltas
     */
    static Footprint counted(long most, long all) {
        long read = Math.min((1 + READ_AHEAD) * most, all);
        return new Footprint(0, HEAP_BESIDE + read * HEAP_PER_RECORD + all * HEAP_PER_FOLDED, 0);
    }

    /** {@code merge_chunk_group}. */
    public static Footprint group(List<Input> intermediates) {
        return job(intermediates, DISK_PER_GROUPED_BYTE, Input.NOTHING);
    }

    /** {@code final_merge}. */
    public static Footprint publish(List<Input> intermediates, Input base) {
        Footprint merged = job(intermediates, DISK_PER_PUBLISHED_BYTE, base);
        long fresh = records(intermediates);
        long bytes = base.bytes() + bytes(intermediates);
        long sidecar = Math.min(bytes, (base.countedOrTypical() + fresh) * SIDECAR_PER_RECORD);
        // A base of which too much was deleted is linked anew as well: that is rare, and would keep large ones out for
        // ever.
        long linking = fresh * LINKING_PER_NODE;
        long inMemory = Math.min(linking, LINKING_MOST);
        return merged.plus(new Footprint(sidecar + linking - inMemory, 0, inMemory));
    }

    /** A base of another writer, to look into. */
    static Footprint look(Input base) {
        return new Footprint(
                DISK_BESIDE + base.bytes(),
                HEAP_BESIDE + base.countedOrTypical() * HEAP_PER_RECORD,
                offHeap(base.bytes()));
    }

    /** What a delta or a base takes on disk, an archive by what is usual: it may have to ask for more. */
    static long unpacked(LocatedDelta delta) {
        long bytes = delta.bytes();
        return delta.archive() ? Math.min(PACKED_ZEROS * bytes, PACKED * bytes + PREALLOCATED) : bytes;
    }

    private static Footprint job(List<Input> inputs, double factor, Input base) {
        long bytes = bytes(inputs);
        double disk = DISK_BESIDE + factor * bytes + DISK_PER_BASE_BYTE * base.bytes();
        // Ours are counted, by their manifests.
        long perBaseRecord = base.records() < 0 ? HEAP_PER_RECORD : HEAP_PER_BASE_RECORD;
        long heap = records(inputs) * HEAP_PER_RECORD + base.countedOrTypical() * perBaseRecord;
        return new Footprint((long) disk, HEAP_BESIDE + heap, offHeap(bytes + base.bytes()));
    }

    private static long bytes(List<Input> inputs) {
        return inputs.stream().mapToLong(Input::bytes).sum();
    }

    private static long records(List<Input> inputs) {
        return inputs.stream().mapToLong(Input::countedOrTypical).sum();
    }

    private static long offHeap(long bytes) {
        return OFF_HEAP_BESIDE + Math.min(CACHE_MOST, bytes);
    }
}
