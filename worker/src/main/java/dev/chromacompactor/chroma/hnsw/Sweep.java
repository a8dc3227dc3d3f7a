package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/**
 * For some rows, the {@code keep} nearest of many columns: all pairs, in tiles that stay in the caches. Rows are packed once; columns
 * come a panel at a time and meet all rows. What beats a row's bound goes into the row's buffer; when that is full, it is cut to
 * {@code keep} by selection, and the bound is the worst that is left.
 *
 * <p>An entry is one of {@link Nearest}: the column, and above it {@code terms[node] / factor − ⟨z(row), z(node)⟩}, which orders the columns
 * of a row as their distances do. Needs {@code 4 depth + 24 keep + 16} bytes a row. For one thread.
 */
final class Sweep {
    /** What rows may take in all, so that they stay in a core's second cache. */
    private static final int ROW_BYTES = 600_000;

    private static final int FEWEST = 16;
    private static final int MOST = 256;
    private static final int SLACK = 3;

    private final int depth;
    private final int keep;
    private final int capacity;
    private final float[] rows;
    private final int[] slots;
    private final float[] bounds;
    private final int[] limits;
    private final int[] sizes;
    private final long[] buffers;
    private final float[] panel;
    private final float[] initial = new float[Kernels.ROWS * Kernels.COLUMNS];
    private final int[] columns = new int[Kernels.COLUMNS];
    private final float[] tile = new float[Kernels.ROWS * Kernels.COLUMNS];
    private final float[] vector;
    private int panels;

    Sweep(int depth, int mostRows, int keep) {
        int padded = (mostRows + Kernels.ROWS - 1) / Kernels.ROWS * Kernels.ROWS;
        this.depth = depth;
        this.keep = keep;
        this.capacity = SLACK * keep;
        this.rows = new float[padded * depth];
        this.slots = new int[padded];
        this.bounds = new float[padded];
        this.limits = new int[padded];
        this.sizes = new int[padded];
        this.buffers = new long[padded * capacity];
        this.panel = new float[depth * Kernels.COLUMNS];
        this.vector = new float[depth];
    }

    /** The most entries {@link #found} copies. */
    int capacity() {
        return capacity;
    }

    /** How many rows of a depth are best taken together. */
    static int rows(int depth) {
        return Math.clamp(ROW_BYTES / (4 * depth), FEWEST, MOST) * Kernels.ROWS / 2;
    }

    /**
     * Begins anew with these rows.
     *
     * @param which rows of the sketch: those from {@code from} to {@code to}
     * @param earlier whether a row wants only columns of smaller numbers than its own
     */
    void start(Matrix z, int[] which, int from, int to, boolean earlier) {
        Arrays.fill(bounds, Float.POSITIVE_INFINITY);
        Arrays.fill(limits, 0);
        Arrays.fill(sizes, 0);
        for (int slot = 0; slot < to - from; slot++) {
            bounds[slot] = Float.NEGATIVE_INFINITY;
            limits[slot] = earlier ? which[from + slot] : Integer.MAX_VALUE;
            slots[slot] = slot;
            packRow(z, which[from + slot], slot);
        }
        closePanels(to - from);
    }

    /**
     * From now on compares only some of the rows.
     *
     * @param which as at the start
     * @param first the {@code from} of the start
     * @param some their places, counted from {@code first}, ascending, from {@code from} to {@code to}
     */
    void narrow(Matrix z, int[] which, int first, int[] some, int from, int to) {
        for (int place = 0; place < to - from; place++) {
            slots[place] = some[from + place];
            packRow(z, which[first + slots[place]], place);
        }
        closePanels(to - from);
    }

    private void packRow(Matrix z, int row, int place) {
        z.read(row, vector, depth);
        int panelStart = place / Kernels.ROWS * Kernels.ROWS * depth;
        Kernels.pack(vector, depth, rows, panelStart + place % Kernels.ROWS, Kernels.ROWS);
    }

    /** Places beyond the last row belong to slots without a bound that could be beaten. */
    private void closePanels(int count) {
        panels = (count + Kernels.ROWS - 1) / Kernels.ROWS;
        for (int place = count; place < panels * Kernels.ROWS; place++) {
            slots[place] = -1;
        }
    }

    /** Compares all rows with these columns: those rows of a sketch that {@code which} has, ascending, from {@code from} to {@code to}. */
    void against(Sketch sketch, int[] which, int from, int to) {
        int highest = 0;
        for (int place = 0; place < panels * Kernels.ROWS; place++) {
            highest = Math.max(highest, limit(place));
        }
        for (int at = from; at < to && which[at] < highest; at += Kernels.COLUMNS) {
            packColumns(sketch, which, at, Math.min(to - at, Kernels.COLUMNS));
            meet();
        }
    }

    private int limit(int place) {
        return slots[place] < 0 ? 0 : limits[slots[place]];
    }

    private void packColumns(Sketch sketch, int[] which, int from, int count) {
        for (int c = 0; c < count; c++) {
            columns[c] = which[from + c];
            initial[c] = -sketch.terms()[columns[c]] / sketch.factor();
            sketch.z().read(columns[c], vector, depth);
            Kernels.pack(vector, depth, panel, c, Kernels.COLUMNS);
        }
        Arrays.fill(initial, count, Kernels.COLUMNS, Float.NEGATIVE_INFINITY);
        for (int r = 1; r < Kernels.ROWS; r++) {
            System.arraycopy(initial, 0, initial, r * Kernels.COLUMNS, Kernels.COLUMNS);
        }
    }

    private void meet() {
        for (int p = 0; p < panels; p++) {
            int first = p * Kernels.ROWS;
            int highest = limit(first);
            for (int r = 1; r < Kernels.ROWS; r++) {
                highest = Math.max(highest, limit(first + r));
            }
            if (highest > columns[0]) {
                System.arraycopy(initial, 0, tile, 0, tile.length);
                Kernels.multiply(rows, first * depth, panel, depth, tile);
                scan(first);
            }
        }
    }

    private void scan(int first) {
        for (int r = 0; r < Kernels.ROWS; r++) {
            int slot = slots[first + r];
            if (slot < 0) {
                return;
            }
            for (long hits = Kernels.above(tile, r, bounds[slot]); hits != 0; hits &= hits - 1) {
                int column = Long.numberOfTrailingZeros(hits);
                offer(slot, columns[column], -tile[r * Kernels.COLUMNS + column]);
            }
        }
    }

    private void offer(int slot, int column, float value) {
        if (column >= limits[slot]) {
            return;
        }
        buffers[slot * capacity + sizes[slot]++] = Nearest.entry(value, column);
        if (sizes[slot] == capacity) {
            cut(slot);
            bounds[slot] = -Nearest.distance(buffers[slot * capacity + keep - 1]);
        }
    }

    /** Leaves the {@code keep} nearest, the farthest of them last. */
    private void cut(int slot) {
        int start = slot * capacity;
        Quickselect.smallest(buffers, start, start + sizes[slot], keep);
        sizes[slot] = keep;
    }

    /**
     * Copies what was found for a row, in no order.
     *
     * @return how many
     */
    int found(int slot, long[] into) {
        if (sizes[slot] > keep) {
            cut(slot);
        }
        System.arraycopy(buffers, slot * capacity, into, 0, sizes[slot]);
        return sizes[slot];
    }
}
