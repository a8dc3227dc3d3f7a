package dev.chromacompactor.chroma.hnsw;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums over two float vectors of one segment, at byte offsets {@code a} and {@code b}, as wide as the machine's registers. The order of
 * the additions, and with it the last bit of a sum, depends on that width.
 */
final class Distance {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    private Distance() {}

    static float dot(MemorySegment s, long a, long b, int dimension) {
        FloatVector sum0 = FloatVector.zero(SPECIES);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int i = 0;
        for (; i <= dimension - 4 * LANES; i += 4 * LANES) {
            sum0 = load(s, a, i).fma(load(s, b, i), sum0);
            sum1 = load(s, a, i + LANES).fma(load(s, b, i + LANES), sum1);
            sum2 = load(s, a, i + 2 * LANES).fma(load(s, b, i + 2 * LANES), sum2);
            sum3 = load(s, a, i + 3 * LANES).fma(load(s, b, i + 3 * LANES), sum3);
        }
        for (; i <= dimension - LANES; i += LANES) {
            sum0 = load(s, a, i).fma(load(s, b, i), sum0);
        }
        float sum = total(sum0, sum1, sum2, sum3);
        for (; i < dimension; i++) {
            sum += s.get(Layout.FLOAT, a + 4L * i) * s.get(Layout.FLOAT, b + 4L * i);
        }
        return sum;
    }

    static float squaredL2(MemorySegment s, long a, long b, int dimension) {
        FloatVector sum0 = FloatVector.zero(SPECIES);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        int i = 0;
        for (; i <= dimension - 4 * LANES; i += 4 * LANES) {
            FloatVector d0 = load(s, a, i).sub(load(s, b, i));
            FloatVector d1 = load(s, a, i + LANES).sub(load(s, b, i + LANES));
            FloatVector d2 = load(s, a, i + 2 * LANES).sub(load(s, b, i + 2 * LANES));
            FloatVector d3 = load(s, a, i + 3 * LANES).sub(load(s, b, i + 3 * LANES));
            sum0 = d0.fma(d0, sum0);
            sum1 = d1.fma(d1, sum1);
            sum2 = d2.fma(d2, sum2);
            sum3 = d3.fma(d3, sum3);
        }
        for (; i <= dimension - LANES; i += LANES) {
            FloatVector d = load(s, a, i).sub(load(s, b, i));
            sum0 = d.fma(d, sum0);
        }
        float sum = total(sum0, sum1, sum2, sum3);
        for (; i < dimension; i++) {
            float d = s.get(Layout.FLOAT, a + 4L * i) - s.get(Layout.FLOAT, b + 4L * i);
            sum += d * d;
        }
        return sum;
    }

    private static FloatVector load(MemorySegment s, long vector, int i) {
        return FloatVector.fromMemorySegment(SPECIES, s, vector + 4L * i, LITTLE_ENDIAN);
    }

    private static float total(FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
        return Kernels.total(a.add(b).add(c.add(d)));
    }
}
