package dev.chromacompactor.chroma.hnsw;

/**
 * Algorithm 4 of the HNSW paper as hnswlib has it, over estimated distances: takes a candidate unless it is nearer to one already taken than
 * to the row itself; by more than the part {@code slack} of the distance nearer, which keeps a few more. For one thread.
 *
 * <p>Sketches of candidates are copied side by side before they are compared: {@code 4 z.columns()} bytes for each.
 */
final class Diversity {
    private final Sketch sketch;
    private final float slack;
    private final int depth;
    private final float[] vectors;
    private final float[] self;
    private int from;

    /** What the last call chose, and where the copies of these are. */
    private final long[] chosen;

    private final int[] places;

    /**
     * @param slack 0 for none
     * @param candidates it is ever given to rank
     * @param most it is ever asked for
     */
    Diversity(Sketch sketch, float slack, int candidates, int most) {
        this.sketch = sketch;
        this.slack = slack;
        this.depth = sketch.z().columns();
        this.vectors = new float[Math.max(candidates, most + 1) * depth];
        this.self = new float[depth];
        this.chosen = new long[most];
        this.places = new int[most];
    }

    /** From here on distances are those from this row. */
    void from(int row) {
        from = row;
        sketch.z().read(row, self, 0, depth);
    }

    /** The distance to a row by all columns of the sketch. */
    float distance(int row) {
        sketch.z().read(row, vectors, 0, depth);
        return sketch.distance(from, row, Kernels.dot(self, 0, vectors, 0, depth));
    }

    /** What the last call chose, nearest first. */
    long[] chosen() {
        return chosen;
    }

    /**
     * Ranks candidates by all columns of the sketch and chooses among them.
     *
     * @param candidates as {@link Sweep} found them, in any order; lost
     * @return how many were chosen
     */
    int chooseFound(int row, long[] candidates, int count, int most) {
        int[] rows = new int[count];
        from(row);
        for (int k = 0; k < count; k++) {
            rows[k] = Nearest.node(candidates[k]);
            sketch.z().read(rows[k], vectors, k * depth, depth);
            float product = Kernels.dot(self, 0, vectors, k * depth, depth);
            candidates[k] = Nearest.entry(sketch.distance(row, rows[k], product), k);
        }
        Nearest.sort(candidates, count);
        int taken = 0;
        for (int c = 0; c < count && taken < most; c++) {
            int place = Nearest.node(candidates[c]);
            float distance = Nearest.distance(candidates[c]);
            if (count <= most || isDiverse(rows[place], place, distance, taken)) {
                places[taken] = place;
                chosen[taken++] = Nearest.entry(distance, rows[place]);
            }
        }
        return taken;
    }

    /**
     * @param candidates sorted, nearest first, with their distances
     * @return how many were chosen
     */
    int choose(long[] candidates, int count, int most) {
        if (count <= most) {
            System.arraycopy(candidates, 0, chosen, 0, count);
            return count;
        }
        int taken = 0;
        for (int c = 0; c < count && taken < most; c++) {
            int row = Nearest.node(candidates[c]);
            sketch.z().read(row, vectors, taken * depth, depth);
            if (isDiverse(row, taken, Nearest.distance(candidates[c]), taken)) {
                places[taken] = taken;
                chosen[taken++] = candidates[c];
            }
        }
        return taken;
    }

    private boolean isDiverse(int row, int place, float distance, int taken) {
        for (int k = 0; k < taken; k++) {
            float product = Kernels.dot(vectors, place * depth, vectors, places[k] * depth, depth);
            float between = sketch.distance(row, Nearest.node(chosen[k]), product);
            if (between + slack * Math.abs(between) < distance) {
                return false;
            }
        }
        return true;
    }
}
