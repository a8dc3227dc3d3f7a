package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One distance between two vectors of an index: close together in the cache, or anywhere in 128 MB, as a search finds them. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DistanceBench {
    private static final long FAR = 128 << 20;
    private static final long NEAR = 16 << 10;

    @Param({"384", "1536"})
    int dimension;

    @Param({"cache", "memory"})
    String vectors;

    private Arena arena;
    private MemorySegment segment;
    private int count;
    private int next;

    @Setup(Level.Trial)
    public void fill() {
        arena = Arena.ofConfined();
        segment = arena.allocate(FAR, 64);
        Random random = new Random(1);
        for (long at = 0; at < FAR; at += 4) {
            segment.set(Layout.FLOAT, at, random.nextFloat());
        }
        count = (int) ((vectors.equals("cache") ? NEAR : FAR) / (4L * dimension));
    }

    @TearDown(Level.Trial)
    public void close() {
        arena.close();
    }

    /** Steps of a prime number of vectors visit all, and are too long for a prefetcher. */
    private long at() {
        next = (int) ((next + 1_000_003L) % count);
        return 4L * dimension * next;
    }

    @Benchmark
    public float dot(Flops counters) {
        counters.flops += 2L * dimension;
        return Distance.dot(segment, at(), 0, dimension);
    }

    @Benchmark
    public float squaredL2(Flops counters) {
        counters.flops += 3L * dimension;
        return Distance.squaredL2(segment, at(), 0, dimension);
    }
}
