package dev.chromacompactor.chroma.hnsw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@NullUnmarked
class KernelsTest {
    private final Random random = new Random(51);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 63, 64, 65, 200})
    void a_tile_gets_the_products_of_both_panels_beside_what_it_had(int depth) {
        float[][] rows = vectors(Kernels.ROWS, depth);
        float[][] columns = vectors(Kernels.COLUMNS, depth);
        float[] rowPanel = new float[7 + Kernels.ROWS * depth];
        float[] columnPanel = new float[Kernels.COLUMNS * depth];
        for (int r = 0; r < rows.length; r++) {
            Kernels.pack(rows[r], depth, rowPanel, 7 + r, Kernels.ROWS);
        }
        for (int c = 0; c < columns.length; c++) {
            Kernels.pack(columns[c], depth, columnPanel, c, Kernels.COLUMNS);
        }
        float[] tile = new float[Kernels.ROWS * Kernels.COLUMNS];
        Arrays.fill(tile, 3);

        Kernels.multiply(rowPanel, 7, columnPanel, depth, tile);

        for (int r = 0; r < rows.length; r++) {
            for (int c = 0; c < columns.length; c++) {
                assertThat(tile[r * Kernels.COLUMNS + c]).isCloseTo(3 + dot(rows[r], columns[c]), within(1e-3f));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 17, 130})
    void inner_products_are_those_of_a_plain_loop(int depth) {
        float[][] pair = vectors(2, depth);

        assertThat(Kernels.dot(pair[0], pair[1], depth)).isCloseTo(dot(pair[0], pair[1]), within(1e-3f));
    }

    /** Once compiled, the JDK's own sum of lanes adds in another order. */
    @Test
    void an_inner_product_has_the_same_last_bit_before_and_after_it_is_compiled() {
        float[][] pair = vectors(2, 333);
        float first = Kernels.dot(pair[0], pair[1], 333);

        for (int i = 0; i < 20_000; i++) {
            assertThat(Float.floatToRawIntBits(Kernels.dot(pair[0], pair[1], 333)))
                    .isEqualTo(Float.floatToRawIntBits(first));
        }
    }

    @Test
    void values_above_a_bound_are_marked_by_their_bits() {
        float[] tile = new float[2 * Kernels.COLUMNS];
        tile[Kernels.COLUMNS - 1] = 3;
        tile[Kernels.COLUMNS] = 2;
        tile[Kernels.COLUMNS + 1] = Float.NaN;
        tile[2 * Kernels.COLUMNS - 1] = 1.5f;

        assertThat(Kernels.above(tile, 1, 1)).isEqualTo(1L | 1L << (Kernels.COLUMNS - 1));
    }

    @Test
    void selection_leaves_the_smallest_in_front_and_their_greatest_last() {
        for (int n = 1; n < 60; n++) {
            long[] values = random.longs(n, 0, 20).toArray();
            long[] sorted = values.clone();
            Arrays.sort(sorted);
            int count = 1 + random.nextInt(n);

            Quickselect.smallest(values, 0, n, count);

            assertThat(values[count - 1]).isEqualTo(sorted[count - 1]);
            Arrays.sort(values, 0, count);
            assertThat(values).startsWith(Arrays.copyOf(sorted, count));
        }
    }

    private float[][] vectors(int count, int depth) {
        float[][] vectors = new float[count][];
        Arrays.setAll(vectors, _ -> Vectors.noise(random, depth));
        return vectors;
    }

    private static float dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return (float) sum;
    }
}
