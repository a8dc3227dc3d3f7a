package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/** What a sample of rows shows of a sketch: whether the nearest are among the candidates, and whether distances mean anything. */
final class Guard {
    /** Rows, spread over all. */
    static final int SAMPLE = 96;

    /** The share of the nearest that must be among the candidates. */
    static final double ENOUGH = .96;

    static final int NEAREST = 16;

    /**
     * Distances are differences of sums about as large as the terms. One this small beside them has at best two digits that are not
     * rounding.
     */
    private static final float RESOLUTION = 1e-4f;

    private static final int UNRESOLVED_SHARE = 10;

    private final Sketch sketch;
    private final int[] rows;
    private final int keep;

    /** Of each row of the sample the exactly nearest, sorted. */
    private final long[][] nearest;

    private Guard(Sketch sketch, int keep, int[] rows) {
        this.sketch = sketch;
        this.keep = keep;
        this.rows = rows;
        this.nearest = new long[rows.length][Math.min(NEAREST, sketch.z().rows() - 1)];
    }

    /**
     * @param exact of each row of the sketch the products with the sample
     */
    Guard(Sketch sketch, Matrix exact, int keep) {
        this(sketch, keep, sample(sketch.z().rows(), SAMPLE));
        for (long[] list : nearest) {
            Arrays.fill(list, Long.MAX_VALUE);
        }
        float[] products = new float[exact.columns()];
        for (int row = 0; row < exact.rows(); row++) {
            exact.read(row, products, products.length);
            float half = sketch.terms()[row] / sketch.factor();
            for (int s = 0; s < rows.length; s++) {
                if (row != rows[s]) {
                    insert(nearest[s], Nearest.entry(half - products[s], row));
                }
            }
        }
    }

    /** For a sketch whose products are the exact ones. */
    static Guard of(Sketch sketch, int keep) {
        var guard = new Guard(sketch, keep, sample(sketch.z().rows(), SAMPLE));
        long[][] found = guard.found(sketch, NEAREST + 1);
        for (int s = 0; s < found.length; s++) {
            Arrays.sort(found[s]);
            guard.nearest[s] = Arrays.copyOf(found[s], guard.nearest[s].length);
        }
        return guard;
    }

    /** The sample. */
    int[] rows() {
        return rows;
    }

    /** Of each row of the sample the nearest. */
    long[][] nearest() {
        return nearest;
    }

    /** So many of {@code count} rows, evenly spread. */
    static int[] sample(int count, int most) {
        int[] rows = new int[Math.min(count, most)];
        Arrays.setAll(rows, s -> (int) ((long) s * count / rows.length));
        return rows;
    }

    private static void insert(long[] list, long entry) {
        int at = list.length - 1;
        if (at < 0 || entry >= list[at]) {
            return;
        }
        for (; at > 0 && list[at - 1] > entry; at--) {
            list[at] = list[at - 1];
        }
        list[at] = entry;
    }

    /** The share of the exactly nearest that are candidates if so many columns of the sketch are used. */
    double recall(int depth) {
        long[][] found = found(sketch.withDepth(depth), keep + 1);
        int hits = 0;
        int due = 0;
        for (int s = 0; s < rows.length; s++) {
            long[] candidates =
                    Arrays.stream(found[s]).map(Nearest::node).sorted().toArray();
            for (long entry : nearest[s]) {
                hits += Arrays.binarySearch(candidates, Nearest.node(entry)) >= 0 ? 1 : 0;
                due++;
            }
        }
        return due == 0 ? 1 : (double) hits / due;
    }

    private long[][] found(Sketch at, int most) {
        int[] all = new int[sketch.z().rows()];
        Arrays.setAll(all, row -> row);
        Sweep sweep = new Sweep(at.depth(), rows.length, most);
        sweep.start(at.z(), rows, 0, rows.length, false);
        sweep.against(at, all, 0, all.length);
        long[][] found = new long[rows.length][];
        long[] list = new long[sweep.capacity()];
        for (int s = 0; s < rows.length; s++) {
            int self = rows[s];
            int count = sweep.found(s, list);
            found[s] = Arrays.stream(list, 0, count)
                    .filter(entry -> Nearest.node(entry) != self)
                    .toArray();
        }
        return found;
    }

    /** Whether the distances of nearest neighbours are more than rounding. */
    boolean resolves() {
        int unresolved = 0;
        for (int s = 0; s < rows.length; s++) {
            float terms = sketch.terms()[rows[s]];
            if (!Float.isFinite(terms)) {
                return false;
            }
            int last = nearest[s].length - 1;
            boolean l2 = sketch.factor() == 2;
            if (l2 && last >= 0) {
                float distance = sketch.distanceOfFound(rows[s], Nearest.distance(nearest[s][last]));
                unresolved += distance > RESOLUTION * terms ? 0 : 1;
            }
        }
        return unresolved <= rows.length / UNRESOLVED_SHARE;
    }
}
