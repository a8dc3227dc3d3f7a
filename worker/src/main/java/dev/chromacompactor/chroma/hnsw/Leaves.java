package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/**
 * Rows of a sketch divided among leaders, which are some of the rows: a leaf is the rows to whom the same leader is nearest. A row that
 * looks for neighbours <i>probes</i> the leaves of its nearest leaders instead of all. Leaves are regions of space whatever the distance,
 * so leaders are compared by l2, within the depth.
 *
 * @param leaders their rows, ascending
 * @param compared what leaders are compared by
 * @param leafOf of each row the leaf
 * @param starts where in {@code members} a leaf begins
 * @param members rows, leaf by leaf, ascending within each
 */
record Leaves(int[] leaders, Sketch compared, int[] leafOf, int[] starts, int[] members) {
    /** Of the nearest neighbours of a sample, the share that must lie in probed leaves. */
    private static final double ENOUGH = .95;

    private static final int FEWEST_PROBES = 8;

    int count() {
        return leaders.length;
    }

    static Leaves of(Sketch sketch, int count, Workers workers) {
        int rows = sketch.z().rows();
        int[] leaders = Guard.sample(rows, count);
        Sketch compared = compared(sketch, leaders);
        int[] leafOf = new int[rows];
        int[] all = new int[rows];
        Arrays.setAll(all, row -> row);
        int chunk = Sweep.rows(sketch.depth());
        Sweep[] sweeps = new Sweep[workers.threads()];
        Arrays.setAll(sweeps, _ -> new Sweep(sketch.depth(), chunk, 1));
        workers.each((rows + chunk - 1) / chunk, (piece, worker) -> {
            int from = piece * chunk;
            int to = Math.min(from + chunk, rows);
            Sweep sweep = sweeps[worker];
            long[] found = new long[sweep.capacity()];
            sweep.start(sketch.z(), all, from, to, false);
            sweep.against(compared, leaders, 0, leaders.length);
            for (int row = from; row < to; row++) {
                sweep.found(row - from, found);
                leafOf[row] = Arrays.binarySearch(leaders, Nearest.node(found[0]));
            }
        });
        int[] starts = new int[count + 1];
        for (int leaf : leafOf) {
            starts[leaf + 1]++;
        }
        for (int leaf = 0; leaf < count; leaf++) {
            starts[leaf + 1] += starts[leaf];
        }
        int[] next = starts.clone();
        int[] members = new int[rows];
        for (int row = 0; row < rows; row++) {
            members[next[leafOf[row]]++] = row;
        }
        return new Leaves(leaders, compared, leafOf, starts, members);
    }

    private static Sketch compared(Sketch sketch, int[] leaders) {
        float[] terms = new float[sketch.z().rows()];
        float[] vector = new float[sketch.depth()];
        for (int leader : leaders) {
            sketch.z().read(leader, vector, vector.length);
            terms[leader] = Kernels.dot(vector, vector, vector.length);
        }
        return new Sketch(sketch.z(), terms, 2, sketch.depth());
    }

    /**
     * The leaves that rows have to probe, nearest first.
     *
     * @param sweep that keeps at least {@code width}
     * @param width at most as many as there are leaves
     * @return of row {@code which[r]} those from {@code r * width} on
     */
    int[] probes(Sweep sweep, int[] which, int width) {
        int[] probes = new int[which.length * width];
        long[] found = new long[sweep.capacity()];
        sweep.start(compared.z(), which, 0, which.length, false);
        sweep.against(compared, leaders, 0, leaders.length);
        for (int r = 0; r < which.length; r++) {
            int count = sweep.found(r, found);
            Nearest.sort(found, count);
            for (int k = 0; k < width; k++) {
                probes[r * width + k] = Arrays.binarySearch(leaders, Nearest.node(found[k]));
            }
        }
        return probes;
    }

    /** How many leaves to probe, from where the neighbours of a sample are. */
    int width(Sketch sketch) {
        Guard guard = Guard.of(sketch, count());
        int[] rows = guard.rows();
        int[] probes = probes(new Sweep(sketch.depth(), rows.length, count()), rows, count());
        int[] needed = new int[rows.length * Guard.NEAREST];
        int n = 0;
        for (int s = 0; s < rows.length; s++) {
            for (long entry : guard.nearest()[s]) {
                int leaf = leafOf[Nearest.node(entry)];
                int k = 0;
                while (probes[s * count() + k] != leaf) {
                    k++;
                }
                needed[n++] = k + 1;
            }
        }
        Arrays.sort(needed, 0, n);
        return Math.min(count(), Math.max(FEWEST_PROBES, needed[(int) (ENOUGH * (n - 1))]));
    }
}
