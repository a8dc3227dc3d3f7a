package dev.chromacompactor.chroma.hnsw;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One tile of the batch build: a row panel times each of as many column panels as lie in the cache together. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TileBench {
    private static final int BLOCK = 160 << 10;

    @Param({"192", "512"})
    int depth;

    private float[] rows;
    private float[][] columns;
    private final float[] tile = new float[Kernels.ROWS * Kernels.COLUMNS];
    private int next;

    @Setup(Level.Trial)
    public void fill() {
        Random random = new Random(1);
        rows = random(random, depth * Kernels.ROWS);
        columns = new float[BLOCK / (4 * depth * Kernels.COLUMNS)][];
        for (int i = 0; i < columns.length; i++) {
            columns[i] = random(random, depth * Kernels.COLUMNS);
        }
    }

    private static float[] random(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = random.nextFloat();
        }
        return values;
    }

    @Benchmark
    public float[] multiply(Flops counters) {
        counters.flops += 2L * Kernels.ROWS * Kernels.COLUMNS * depth;
        next = (next + 1) % columns.length;
        Kernels.multiply(rows, 0, columns[next], depth, tile);
        return tile;
    }
}
