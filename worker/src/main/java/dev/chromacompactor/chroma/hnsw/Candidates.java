package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Chooses for each row of a sketch, rows being ranks, up to {@code width} diverse ones of its nearest predecessors. Among few rows all pairs
 * are compared; among many a row is compared with the first few ranks, which are the upper levels, and with what is in the leaves that it
 * probes. What came from the first ranks is kept a second time, since among many the nearest alone are all near each other.
 */
final class Candidates {
    private static final int LEAF = 200;

    /** Ranks with which all are compared, whatever their number. */
    private static final int FIRST = 8192;

    /**
     * Of the ranks so many hundredths, at most so many, are compared with all before them even among leaves: how many leaves to probe is
     * told by where the nearest of all lie, and the nearest of a few predecessors lie farther off. Without the long links of these, searches
     * with a narrow beam end too early.
     */
    private static final int EARLY_PERCENT = 40;

    private static final int EARLY = 20_000;

    private final Sketch sketch;
    private final int upper;
    private final int width;
    private final Workers workers;
    private final Lists lists;
    private final Scratch[] scratch;
    private final int chunk;
    private final int[] ranks;

    /** What one thread works with. */
    private static final class Scratch {
        private final Sweep sweep;
        private final Diversity diversity;
        private long[] found = new long[0];

        private Scratch(Sweep sweep, Diversity diversity) {
            this.sweep = sweep;
            this.diversity = diversity;
        }

        private long[] room(int count) {
            if (found.length < count) {
                found = new long[count];
            }
            return found;
        }
    }

    /**
     * @param keep nearest ones to choose from
     * @param upper of the first ranks likewise, where there are many rows
     * @param width to choose
     */
    Candidates(Sketch sketch, int keep, int upper, int width, float slack, Workers workers, Arena arena) {
        int rows = sketch.z().rows();
        this.sketch = sketch;
        this.upper = upper;
        this.width = width;
        this.workers = workers;
        this.lists = new Lists(arena, rows, width);
        this.chunk = Sweep.rows(sketch.depth());
        this.ranks = new int[rows];
        Arrays.setAll(ranks, rank -> rank);
        this.scratch = new Scratch[workers.threads()];
        Arrays.setAll(
                scratch,
                _ -> new Scratch(
                        new Sweep(sketch.depth(), chunk, keep), new Diversity(sketch, slack, keep + upper, width)));
    }

    /** Compares all pairs. */
    Lists amongAll() {
        amongAll(ranks.length);
        return lists;
    }

    /** Compares all pairs of the first {@code end} ranks. */
    private void amongAll(int end) {
        int pieces = (end + chunk - 1) / chunk;
        workers.each(pieces, (piece, worker) -> {
            // The longest first.
            int from = (pieces - 1 - piece) * chunk;
            int to = Math.min(from + chunk, end);
            Scratch own = scratch[worker];
            own.sweep.start(sketch.z(), ranks, from, to, true);
            own.sweep.against(sketch, ranks, 0, to);
            for (int rank = from; rank < to; rank++) {
                int count = own.sweep.found(rank - from, own.room(own.sweep.capacity()));
                choose(rank, own, count);
            }
        });
    }

    /**
     * Compares within leaves, but for the first of the ranks.
     *
     * @param first how many ranks are above level 0
     */
    Lists amongLeaves(int first) {
        Leaves leaves = Leaves.of(sketch, Math.max(1, ranks.length / LEAF), workers);
        int probes = leaves.width(sketch);
        int prefix = Math.min(FIRST, first);
        int early = (int) Math.min(EARLY, (long) ranks.length * EARLY_PERCENT / 100);
        amongAll(early);
        int[] late =
                Arrays.stream(leaves.members()).filter(rank -> rank >= early).toArray();
        workers.each((late.length + chunk - 1) / chunk, (piece, worker) -> {
            int from = piece * chunk;
            int[] which = Arrays.copyOfRange(late, from, Math.min(from + chunk, late.length));
            Arrays.sort(which);
            amongLeaves(leaves, which, probes, prefix, scratch[worker]);
        });
        return lists;
    }

    private void amongLeaves(Leaves leaves, int[] which, int probes, int prefix, Scratch own) {
        int[] probed = leaves.probes(new Sweep(sketch.depth(), which.length, probes), which, probes);
        Sweep sweep = own.sweep;
        sweep.start(sketch.z(), which, 0, which.length, true);
        sweep.against(sketch, ranks, 0, prefix);
        long[] firsts = new long[which.length * upper];
        int[] firstCounts = new int[which.length];
        long[] found = own.room(sweep.capacity() + upper);
        for (int slot = 0; slot < which.length; slot++) {
            int count = sweep.found(slot, found);
            firstCounts[slot] = Math.min(count, upper);
            Quickselect.smallest(found, 0, count, firstCounts[slot]);
            System.arraycopy(found, 0, firsts, slot * upper, firstCounts[slot]);
        }
        int[] starts = new int[leaves.count() + 1];
        for (int leaf : probed) {
            starts[leaf + 1]++;
        }
        for (int leaf = 0; leaf < leaves.count(); leaf++) {
            starts[leaf + 1] += starts[leaf];
        }
        int[] slots = new int[probed.length];
        int[] next = starts.clone();
        for (int at = 0; at < probed.length; at++) {
            slots[next[probed[at]]++] = at / probes;
        }
        for (int leaf = 0; leaf < leaves.count(); leaf++) {
            if (starts[leaf] < starts[leaf + 1]) {
                Workers.requireNotInterrupted();
                int end = leaves.starts()[leaf + 1];
                int from = Arrays.binarySearch(leaves.members(), leaves.starts()[leaf], end, prefix);
                sweep.narrow(sketch.z(), which, 0, slots, starts[leaf], starts[leaf + 1]);
                sweep.against(sketch, leaves.members(), from < 0 ? -from - 1 : from, end);
            }
        }
        for (int slot = 0; slot < which.length; slot++) {
            int count = sweep.found(slot, found);
            System.arraycopy(firsts, slot * upper, found, count, firstCounts[slot]);
            choose(which[slot], own, distinct(found, count + firstCounts[slot]));
        }
    }

    /** Sorts entries and drops those that are there twice. */
    private static int distinct(long[] entries, int count) {
        Nearest.sort(entries, count);
        int left = 0;
        for (int k = 0; k < count; k++) {
            if (k == 0 || entries[k] != entries[k - 1]) {
                entries[left++] = entries[k];
            }
        }
        return left;
    }

    /** Keeps the diverse of the {@code count} candidates that were found. */
    private void choose(int rank, Scratch own, int count) {
        lists.set(rank, own.diversity.chosen(), own.diversity.chooseFound(rank, own.found, count, width));
    }
}
