package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.failure.Elsewhere;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * The arithmetic of the batch build: few short loops in which nearly all of its time is spent, as wide as the machine's registers. Each is
 * a method of its own, so that it is compiled early and alone.
 *
 * <p>Matrices are multiplied in tiles of {@link #ROWS} rows by {@link #COLUMNS} columns. Both sides are packed before: for each step of
 * the depth the six values of a <i>row panel</i> lie side by side, and those of a <i>column panel</i> likewise.
 */
final class Kernels {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    static final int LANES = SPECIES.length();
    static final int ROWS = 6;

    /** Two registers: with twelve sums and six broadcasts the loop fits even 16 registers. */
    static final int COLUMNS = 2 * LANES;

    /**
     * Of the depth at a time: the parts of both panels stay in the first cache. And a method that is called often is compiled as a whole,
     * not in the middle of a long loop, where sums that are in registers by then make poor code.
     */
    private static final int STEPS = 64;

    private static final VectorShuffle<Float> BY_2 = by(2);
    private static final VectorShuffle<Float> BY_4 = by(4);
    private static final VectorShuffle<Float> BY_8 = by(8);
    private static final VectorShuffle<Float> BY_16 = by(16);

    /** Calls after which the JVM has compiled a method that the start script tells it to compile early. */
    private static final int CALLS = 100;

    private static final FutureTask<@Nullable Void> WARM = new FutureTask<>(Kernels::callAll, null);
    private static final AtomicBoolean BEGUN = new AtomicBoolean();

    private Kernels() {}

    /**
     * Has each kernel compiled, once, and waits for it: in the interpreter an operation on a vector takes a thousand times as long, and all
     * threads would begin there.
     */
    static void warm() {
        WARM.run();
        try {
            WARM.get();
        } catch (ExecutionException e) {
            throw Elsewhere.thrown(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            Workers.requireNotInterrupted();
        }
    }

    /** Has it begun by another thread, so that there is less to wait for. */
    static void warmBeside() {
        if (BEGUN.compareAndSet(false, true)) {
            Thread.ofPlatform().daemon().name("kernels").start(WARM);
        }
    }

    /** Calls each often enough, on little. */
    private static void callAll() {
        int depth = 4 * LANES;
        float[] rows = new float[ROWS * depth];
        float[] columns = new float[COLUMNS * depth];
        float[] tile = new float[ROWS * COLUMNS];
        for (int call = 0; call < CALLS; call++) {
            multiply(rows, 0, columns, 1, tile);
            dot(rows, columns, depth);
            add(1, rows, columns, depth);
            pack(rows, LANES, columns, 0, COLUMNS);
            above(tile, 0, 0);
        }
    }

    /**
     * Adds the product of one row panel and one column panel to a tile.
     *
     * @param row where the row panel begins in {@code rows}
     * @param tile row after row
     */
    static void multiply(float[] rows, int row, float[] columns, int depth, float[] tile) {
        for (int k = 0; k < depth; k += STEPS) {
            multiply(rows, row + k * ROWS, columns, k * COLUMNS, Math.min(STEPS, depth - k), tile);
        }
    }

    private static void multiply(float[] rows, int row, float[] columns, int column, int depth, float[] tile) {
        FloatVector s00 = FloatVector.fromArray(SPECIES, tile, 0);
        FloatVector s01 = FloatVector.fromArray(SPECIES, tile, LANES);
        FloatVector s10 = FloatVector.fromArray(SPECIES, tile, COLUMNS);
        FloatVector s11 = FloatVector.fromArray(SPECIES, tile, COLUMNS + LANES);
        FloatVector s20 = FloatVector.fromArray(SPECIES, tile, 2 * COLUMNS);
        FloatVector s21 = FloatVector.fromArray(SPECIES, tile, 2 * COLUMNS + LANES);
        FloatVector s30 = FloatVector.fromArray(SPECIES, tile, 3 * COLUMNS);
        FloatVector s31 = FloatVector.fromArray(SPECIES, tile, 3 * COLUMNS + LANES);
        FloatVector s40 = FloatVector.fromArray(SPECIES, tile, 4 * COLUMNS);
        FloatVector s41 = FloatVector.fromArray(SPECIES, tile, 4 * COLUMNS + LANES);
        FloatVector s50 = FloatVector.fromArray(SPECIES, tile, 5 * COLUMNS);
        FloatVector s51 = FloatVector.fromArray(SPECIES, tile, 5 * COLUMNS + LANES);
        for (int k = 0; k < depth; k++) {
            FloatVector c0 = FloatVector.fromArray(SPECIES, columns, column + k * COLUMNS);
            FloatVector c1 = FloatVector.fromArray(SPECIES, columns, column + k * COLUMNS + LANES);
            int r = row + k * ROWS;
            FloatVector x = FloatVector.broadcast(SPECIES, rows[r]);
            s00 = x.fma(c0, s00);
            s01 = x.fma(c1, s01);
            x = FloatVector.broadcast(SPECIES, rows[r + 1]);
            s10 = x.fma(c0, s10);
            s11 = x.fma(c1, s11);
            x = FloatVector.broadcast(SPECIES, rows[r + 2]);
            s20 = x.fma(c0, s20);
            s21 = x.fma(c1, s21);
            x = FloatVector.broadcast(SPECIES, rows[r + 3]);
            s30 = x.fma(c0, s30);
            s31 = x.fma(c1, s31);
            x = FloatVector.broadcast(SPECIES, rows[r + 4]);
            s40 = x.fma(c0, s40);
            s41 = x.fma(c1, s41);
            x = FloatVector.broadcast(SPECIES, rows[r + 5]);
            s50 = x.fma(c0, s50);
            s51 = x.fma(c1, s51);
        }
        s00.intoArray(tile, 0);
        s01.intoArray(tile, LANES);
        s10.intoArray(tile, COLUMNS);
        s11.intoArray(tile, COLUMNS + LANES);
        s20.intoArray(tile, 2 * COLUMNS);
        s21.intoArray(tile, 2 * COLUMNS + LANES);
        s30.intoArray(tile, 3 * COLUMNS);
        s31.intoArray(tile, 3 * COLUMNS + LANES);
        s40.intoArray(tile, 4 * COLUMNS);
        s41.intoArray(tile, 4 * COLUMNS + LANES);
        s50.intoArray(tile, 5 * COLUMNS);
        s51.intoArray(tile, 5 * COLUMNS + LANES);
    }

    /** Which of a tile's values in this row are greater than the bound, one bit each. */
    static long above(float[] tile, int row, float bound) {
        long first = FloatVector.fromArray(SPECIES, tile, row * COLUMNS)
                .compare(VectorOperators.GT, bound)
                .toLong();
        long second = FloatVector.fromArray(SPECIES, tile, row * COLUMNS + LANES)
                .compare(VectorOperators.GT, bound)
                .toLong();
        return first | second << LANES;
    }

    /** Puts a vector into a panel: value {@code k} at {@code at + k * stride}. */
    static void pack(float[] vector, int depth, float[] panel, int at, int stride) {
        for (int k = 0; k < depth; k++) {
            panel[at + k * stride] = vector[k];
        }
    }

    static float dot(float[] a, float[] b, int depth) {
        return dot(a, 0, b, 0, depth);
    }

    /** The inner product of two vectors that begin at {@code i} and {@code j}. */
    static float dot(float[] a, int i, float[] b, int j, int depth) {
        FloatVector sum0 = FloatVector.zero(SPECIES);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int k = 0;
        for (; k <= depth - 4 * LANES; k += 4 * LANES) {
            sum0 = FloatVector.fromArray(SPECIES, a, i + k).fma(FloatVector.fromArray(SPECIES, b, j + k), sum0);
            sum1 = FloatVector.fromArray(SPECIES, a, i + k + LANES)
                    .fma(FloatVector.fromArray(SPECIES, b, j + k + LANES), sum1);
            sum2 = FloatVector.fromArray(SPECIES, a, i + k + 2 * LANES)
                    .fma(FloatVector.fromArray(SPECIES, b, j + k + 2 * LANES), sum2);
            sum3 = FloatVector.fromArray(SPECIES, a, i + k + 3 * LANES)
                    .fma(FloatVector.fromArray(SPECIES, b, j + k + 3 * LANES), sum3);
        }
        float sum = total(sum0.add(sum1).add(sum2.add(sum3)));
        for (; k < depth; k++) {
            sum += a[i + k] * b[j + k];
        }
        return sum;
    }

    /**
     * The sum of all lanes, halves first. Not {@code reduceLanes}: that adds in another order once it is compiled, and then the same input
     * would not give the same graph.
     */
    static float total(FloatVector vector) {
        FloatVector sum = vector;
        if (LANES > 16) {
            sum = sum.add(sum.rearrange(BY_16));
        }
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(BY_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(BY_4));
        }
        if (LANES > 2) {
            sum = sum.add(sum.rearrange(BY_2));
        }
        return sum.lane(0) + sum.lane(1);
    }

    private static VectorShuffle<Float> by(int lanes) {
        return VectorShuffle.fromOp(SPECIES, lane -> (lane + lanes) % LANES);
    }

    /** Adds {@code factor * a} to {@code b}. */
    static void add(float factor, float[] a, float[] b, int depth) {
        for (int k = 0; k < depth; k++) {
            b[k] += factor * a[k];
        }
    }
}
