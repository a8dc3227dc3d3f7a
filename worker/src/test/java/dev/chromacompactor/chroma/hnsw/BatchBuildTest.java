package dev.chromacompactor.chroma.hnsw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.chroma.hnsw.Fresh.Tuning;
import dev.chromacompactor.chroma.hnsw.HnswBuilder.Parameters;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The batch, whatever the number of vectors. Every build ends with its own check of structure and reachability. */
@NullUnmarked
class BatchBuildTest {
    private static final int NEVER = Integer.MAX_VALUE;
    private static final Tuning INSERTED = new Tuning(1, NEVER, NEVER);
    private static final Tuning BATCH = new Tuning(2, 1, NEVER);
    private static final Tuning LEAVES = new Tuning(2, 1, 1);

    @TempDir
    Path temp;

    private int folders;

    @ParameterizedTest
    @EnumSource
    void searches_find_as_much_as_after_insertion(Space space) {
        Map<String, float[]> vectors = Vectors.clustered("v", 2500, 240, 31);
        List<float[]> queries = Vectors.queries(vectors.values(), 200, 32);

        double inserted = recall(vectors, queries, space, INSERTED);

        assertThat(recall(vectors, queries, space, BATCH)).isGreaterThanOrEqualTo(inserted - 0.03);
        assertThat(recall(vectors, queries, space, LEAVES)).isGreaterThanOrEqualTo(inserted - 0.03);
    }

    /** A shallow sketch of noise finds an eighth of the neighbours. */
    @Test
    void noise_without_structure_gets_a_sketch_as_deep_as_it_needs() {
        Map<String, float[]> vectors = Vectors.isotropic("v", 1500, 600, 33);
        List<float[]> queries = Vectors.queries(vectors.values(), 100, 34);

        assertThat(recall(vectors, queries, Space.L2, BATCH))
                .isGreaterThanOrEqualTo(recall(vectors, queries, Space.L2, INSERTED) - 0.03);
    }

    @ParameterizedTest
    @CsvSource({"BATCH, 1", "BATCH, 4", "LEAVES, 1", "LEAVES, 4"})
    void the_number_of_threads_changes_nothing(String how, int threads) throws IOException {
        Map<String, float[]> vectors = Vectors.clustered("v", 1500, 200, 35);
        vectors.putAll(Vectors.copies("same", 50, vectors.get("v7")));
        int leavesFrom = how.equals("LEAVES") ? 1 : NEVER;

        Path one = build(vectors, Space.COSINE, new Tuning(2, 1, leavesFrom));
        Path other = build(vectors, Space.COSINE, new Tuning(threads, 1, leavesFrom));

        for (String file : List.of("header.bin", "data_level0.bin", "length.bin", "link_lists.bin")) {
            assertThat(Files.mismatch(one.resolve(file), other.resolve(file))).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void any_number_and_any_dimension_work(Space space) {
        for (int n : new int[] {1, 2, 3, 17, 40}) {
            for (int dimension : new int[] {1, 5, 33, 193, 257}) {
                Map<String, float[]> vectors = Vectors.isotropic("v", n, dimension, n);
                if (space == Space.COSINE && dimension == 1) {
                    vectors.put("zero", new float[1]);
                }

                assertThat(live(build(vectors, space, BATCH), space)).isEqualTo(vectors.size());
                assertThat(live(build(vectors, space, LEAVES), space)).isEqualTo(vectors.size());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void thousands_of_equal_vectors_and_of_zeros_hide_nobody(Space space) {
        Map<String, float[]> vectors = Vectors.clustered("v", 800, 24, 36);
        List<float[]> queries = Vectors.queries(vectors.values(), 100, 37);
        vectors.putAll(Vectors.copies("same", 1500, vectors.get("v3")));
        vectors.putAll(Vectors.copies("zero", 1000, new float[24]));

        assertThat(recall(vectors, queries, space, BATCH)).isGreaterThanOrEqualTo(0.97);
    }

    /** Their distances are rounding in the sums of a batch. */
    @Test
    void a_tight_cluster_far_from_the_mean_is_told_apart() {
        Random random = new Random(38);
        Map<String, float[]> vectors = Vectors.isotropic("far", 100, 12, 39);
        float[] centre = Vectors.noise(random, 12);
        for (int i = 0; i < 1200; i++) {
            float[] vector = centre.clone();
            for (int j = 0; j < 12; j++) {
                vector[j] += 1e-5f * (float) random.nextGaussian();
            }
            vectors.put("near" + i, vector);
        }
        List<float[]> queries = vectors.values().stream().skip(100).limit(100).toList();

        assertThat(recall(vectors, queries, Space.L2, BATCH)).isGreaterThanOrEqualTo(0.95);
    }

    @ParameterizedTest
    @EnumSource
    void sums_that_overflow_are_left_to_insertion(Space space) {
        Map<String, float[]> vectors = Vectors.isotropic("v", 200, 6, 40);
        vectors.replaceAll((_, vector) -> {
            for (int j = 0; j < 6; j++) {
                vector[j] *= 1e30f;
            }
            return vector;
        });

        assertThat(live(build(vectors, space, BATCH), space)).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({"2", "5", "64"})
    void any_M_works(int m) {
        Map<String, float[]> vectors = Vectors.clustered("v", 600, 20, 41);
        Path folder = temp.resolve("m" + m);

        ProvenBuild.of(
                null,
                folder,
                new Parameters(Space.L2, 20, m, 40, false),
                Vectors.source(vectors),
                List.of(),
                BATCH,
                false);

        assertThat(live(folder, Space.L2)).isEqualTo(600);
    }

    @Test
    void an_interrupt_ends_it_and_leaves_nothing() {
        List<String> ids = List.copyOf(Vectors.isotropic("v", 300, 1, 42).keySet());
        Path folder = temp.resolve("interrupted");
        Thread builder = Thread.currentThread();
        VectorSource source = new VectorSource() {
            @Override
            public int count() {
                return ids.size();
            }

            @Override
            public String id(int i) {
                return ids.get(i);
            }

            @Override
            public void read(int i, MemorySegment into) {
                into.set(Layout.FLOAT, 0, i);
                if (i == ids.size() - 1) {
                    builder.interrupt();
                }
            }
        };

        assertThatThrownBy(() -> ProvenBuild.of(
                        null, folder, new Parameters(Space.L2, 1, 16, 100, false), source, List.of(), BATCH, false))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo("interrupted"));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(folder).doesNotExist();
    }

    private Path build(Map<String, float[]> vectors, Space space, Tuning tuning) {
        Path folder = temp.resolve("folder-" + folders++);
        int dimension = vectors.values().iterator().next().length;
        ProvenBuild.of(
                null,
                folder,
                new Parameters(space, dimension, 16, 100, false),
                Vectors.source(vectors),
                List.of(),
                tuning,
                false);
        return folder;
    }

    private static int live(Path folder, Space space) {
        try (HnswIndex index = HnswIndex.open(folder, space)) {
            return index.size();
        }
    }

    /** Of the ten nearest, with a beam that leaves something to be missed. */
    private double recall(Map<String, float[]> vectors, List<float[]> queries, Space space, Tuning tuning) {
        try (HnswIndex index = HnswIndex.open(build(vectors, space, tuning), space)) {
            return new Searcher(index).recall(queries, 10, 50);
        }
    }
}
