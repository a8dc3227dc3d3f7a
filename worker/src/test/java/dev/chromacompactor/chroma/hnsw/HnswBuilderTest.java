package dev.chromacompactor.chroma.hnsw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.chroma.hnsw.HnswBuilder.Parameters;
import dev.chromacompactor.chroma.hnsw.HnswBuilder.Report;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every build is proven to be sound and reachable; these tests look at what is in it. */
@NullUnmarked
class HnswBuilderTest {
    @TempDir
    Path temp;

    private int folders;

    @ParameterizedTest
    @EnumSource
    void few_vectors_make_an_index_that_finds_each(Space space) {
        for (int n = 1; n <= 40; n++) {
            Map<String, float[]> vectors = Vectors.isotropic("v", n, 3, n);

            Path folder = build(null, space, vectors, Set.of());

            holds(folder, space, vectors);
        }
    }

    @ParameterizedTest
    @CsvSource({"L2, 1", "IP, 1", "COSINE, 1", "L2, 7", "IP, 33", "COSINE, 100"})
    void any_dimension_works(Space space, int dimension) {
        Map<String, float[]> vectors = Vectors.isotropic("v", 300, dimension, 1);

        holds(build(null, space, vectors, Set.of()), space, vectors);
    }

    @ParameterizedTest
    @EnumSource
    void recall_is_high_on_clusters(Space space) {
        Map<String, float[]> vectors = Vectors.clustered("v", 4000, 48, 3);
        List<float[]> queries = Vectors.queries(vectors.values(), 200, 4);

        try (HnswIndex index = open(build(null, space, vectors, Set.of()), space)) {
            assertThat(new Searcher(index).recall(queries, 10, 100)).isGreaterThanOrEqualTo(0.98);
        }
    }

    @Test
    void recall_is_high_on_noise_without_structure() {
        Map<String, float[]> vectors = Vectors.isotropic("v", 2000, 24, 3);
        List<float[]> queries = Vectors.queries(vectors.values(), 200, 4);

        try (HnswIndex index = open(build(null, Space.L2, vectors, Set.of()), Space.L2)) {
            assertThat(new Searcher(index).recall(queries, 10, 100)).isGreaterThanOrEqualTo(0.97);
        }
    }

    /** With a beam of 20 recall is clearly below 1, so that a worse graph would show. */
    @ParameterizedTest
    @ValueSource(strings = {"0.6.3", "1.5.9"})
    void recall_is_not_below_that_of_the_graph_Chroma_built_of_the_same_vectors(String version) {
        try (HnswIndex theirs = open(fixture(version, "persisted"), Space.L2)) {
            Map<String, float[]> vectors = vectors(theirs);
            List<float[]> queries = Vectors.queries(vectors.values(), 500, 5);

            try (HnswIndex ours = open(build(null, Space.L2, vectors, Set.of()), Space.L2)) {
                for (int ef : List.of(20, 50, 100)) {
                    assertThat(new Searcher(ours).recall(queries, 10, ef))
                            .isGreaterThanOrEqualTo(new Searcher(theirs).recall(queries, 10, ef) - 0.01);
                }
            }
        }
    }

    @Test
    void growing_a_base_is_as_good_as_building_at_once() {
        Map<String, float[]> all = Vectors.clustered("v", 3000, 32, 6);
        List<float[]> queries = Vectors.queries(all.values(), 300, 7);
        Path folder = build(null, Space.COSINE, first(all, 1500), Set.of());
        for (int n = 2000; n <= 3000; n += 500) {
            try (HnswIndex base = open(folder, Space.COSINE)) {
                folder = build(base, Space.COSINE, first(all, n), Set.of());
            }
        }

        holds(folder, Space.COSINE, all);
        try (HnswIndex grown = open(folder, Space.COSINE);
                HnswIndex whole = open(build(null, Space.COSINE, all, Set.of()), Space.COSINE)) {
            for (int ef : List.of(10, 50)) {
                assertThat(new Searcher(grown).recall(queries, 10, ef))
                        .isGreaterThanOrEqualTo(new Searcher(whole).recall(queries, 10, ef) - 0.02);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0.6.3, persisted, L2",
        "1.5.9, persisted, L2",
        "0.6.3, two_collections, IP",
        "1.5.9, two_collections, IP"
    })
    void what_Chroma_built_is_extended_with_its_own_parameters_and_labels(String version, String name, Space space) {
        try (HnswIndex base = open(fixture(version, name), space)) {
            Map<String, float[]> expected = vectors(base);
            List<String> ids = new ArrayList<>(base.ids());
            Map<String, float[]> upserts = Vectors.clustered("new", 50, base.dimension(), 8);
            upserts.put(ids.get(0), new float[base.dimension()]);
            upserts.put(ids.get(1), base.vector(ids.get(1)));
            expected.putAll(upserts);
            expected.remove(ids.get(2));
            Path folder = next();

            Report report = ProvenBuild.of(
                    base,
                    folder,
                    new Parameters(space, base.dimension(), 5, 7, false),
                    Vectors.source(upserts),
                    Set.of(ids.get(2), "nobody", "new0"));

            assertThat(report).isEqualTo(new Report(base.size() + 49, 2, 50, 1, 1, 1, true));
            holds(folder, space, expected);
            try (HnswIndex built = open(folder, space)) {
                assertThat(built.m()).isEqualTo(base.m());
                assertThat(built.efConstruction()).isEqualTo(base.efConstruction());
                assertThat(built.metadata().lastLabel())
                        .isEqualTo(base.metadata().lastLabel() + 51);
                assertThat(label(built, ids.get(0)))
                        .isGreaterThan(base.metadata().lastLabel());
                assertThat(label(built, ids.get(3))).isEqualTo(label(base, ids.get(3)));
            }
        }
    }

    @Test
    void an_index_with_more_than_a_fifth_deleted_is_built_anew_and_keeps_vectors_and_labels() {
        Map<String, float[]> vectors = Vectors.clustered("v", 500, 16, 9);
        Path first = build(null, Space.COSINE, vectors, Set.of());
        Set<String> removed = first(vectors, 120).keySet();
        Map<String, float[]> left = new LinkedHashMap<>(vectors);
        left.keySet().removeAll(removed);

        try (HnswIndex base = open(first, Space.COSINE)) {
            Path folder = build(base, Space.COSINE, Map.of(), removed);

            holds(folder, Space.COSINE, left);
            try (HnswIndex built = open(folder, Space.COSINE)) {
                assertThat(built.deleted()).isZero();
                assertThat(built.metadata().lastLabel()).isEqualTo(500);
                for (String id : left.keySet()) {
                    assertThat(built.vector(id)).isEqualTo(base.vector(id));
                    assertThat(label(built, id)).isEqualTo(label(base, id));
                }
            }
        }
    }

    @Test
    void an_id_that_was_removed_comes_back_as_a_new_node() {
        Map<String, float[]> vectors = Vectors.clustered("v", 100, 8, 10);
        Path folder = build(null, Space.L2, vectors, Set.of());
        try (HnswIndex base = open(folder, Space.L2)) {
            folder = build(base, Space.L2, Map.of(), Set.of("v7"));
        }
        try (HnswIndex base = open(folder, Space.L2)) {
            assertThat(base.contains("v7")).isFalse();
            folder = build(base, Space.L2, Map.of("v7", vectors.get("v7")), Set.of());
        }

        holds(folder, Space.L2, vectors);
        try (HnswIndex built = open(folder, Space.L2)) {
            assertThat(built.deleted()).isEqualTo(1);
            assertThat(label(built, "v7")).isEqualTo(101);
        }
    }

    @Test
    void an_index_from_which_all_is_removed_is_no_folder() {
        Map<String, float[]> vectors = Vectors.isotropic("v", 10, 4, 1);
        try (HnswIndex base = open(build(null, Space.L2, vectors, Set.of()), Space.L2)) {
            Path folder = next();

            Report report =
                    ProvenBuild.of(base, folder, parameters(Space.L2, 4), Vectors.source(Map.of()), vectors.keySet());

            assertThat(report).isEqualTo(new Report(0, 0, 0, 0, 0, 10, false));
            assertThat(folder).doesNotExist();
        }
    }

    @ParameterizedTest
    @EnumSource
    void thousands_of_equal_vectors_hide_nobody(Space space) {
        Map<String, float[]> vectors = Vectors.clustered("v", 1000, 16, 11);
        float[] often = vectors.get("v3");
        vectors.putAll(Vectors.copies("same", 3000, often));
        vectors.putAll(Vectors.copies("zero", 1000, new float[16]));
        vectors.putAll(Vectors.clustered("w", 500, 16, 12));

        Path folder = build(null, space, vectors, Set.of());

        holds(folder, space, vectors);
        List<float[]> queries =
                Vectors.queries(Vectors.clustered("v", 1000, 16, 11).values(), 200, 13);
        try (HnswIndex index = open(folder, space)) {
            assertThat(new Searcher(index).recall(queries, 10, 100)).isGreaterThanOrEqualTo(0.97);
        }
        Map<String, float[]> more = Vectors.copies("again", 500, often);
        more.putAll(Vectors.clustered("x", 200, 16, 14));
        try (HnswIndex base = open(folder, space)) {
            Path extended = build(
                    base,
                    space,
                    more,
                    first(Vectors.copies("same", 500, often), 500).keySet());
            Map<String, float[]> expected = new LinkedHashMap<>(vectors);
            expected.keySet().removeAll(Vectors.copies("same", 500, often).keySet());
            expected.putAll(more);
            holds(extended, space, expected);
        }
    }

    /** hnswlib inserts equal vectors one by one; then they link to each other only. Made here from a tight cluster far away. */
    @Test
    void a_base_whose_equal_vectors_lead_nowhere_else_is_built_anew() throws IOException {
        Map<String, float[]> vectors = Vectors.isotropic("v", 300, 8, 23);
        Map<String, float[]> far = Vectors.isotropic("far", 200, 8, 24);
        far.replaceAll((_, vector) -> {
            for (int i = 0; i < 8; i++) {
                vector[i] += 1000;
            }
            return vector;
        });
        vectors.putAll(far);
        Path folder = build(null, Space.L2, vectors, Set.of());
        float[] same = far.get("far0");
        byte[] data = Files.readAllBytes(folder.resolve("data_level0.bin"));
        try (HnswIndex index = open(folder, Space.L2)) {
            for (String id : far.keySet()) {
                long at = index.header().layout().vector(index.node(id));
                MemorySegment.copy(same, 0, MemorySegment.ofArray(data), Layout.FLOAT, at, 8);
            }
        }
        Files.write(folder.resolve("data_level0.bin"), data);
        far.replaceAll((_, _) -> same);
        vectors.putAll(far);

        try (HnswIndex base = open(folder, Space.L2)) {
            base.check();
            vectors.put("new", new float[8]);
            Path next = next();
            Report report = ProvenBuild.of(
                    base, next, parameters(Space.L2, 8), Vectors.source(Map.of("new", new float[8])), List.of());

            assertThat(report).isEqualTo(new Report(501, 0, 1, 0, 0, 0, false));
            holds(next, Space.L2, vectors);
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothing_but_equal_vectors_works(Space space) {
        Map<String, float[]> vectors = Vectors.copies("same", 3000, new float[] {1, 2, 3});

        holds(build(null, space, vectors, Set.of()), space, vectors);
    }

    @ParameterizedTest
    @EnumSource
    void nothing_but_zero_vectors_works(Space space) {
        Map<String, float[]> vectors = Vectors.copies("zero", 1000, new float[8]);

        holds(build(null, space, vectors, Set.of()), space, vectors);
    }

    @Test
    void a_tight_cluster_beside_a_few_others_is_reached() {
        Random random = new Random(15);
        Map<String, float[]> vectors = Vectors.isotropic("far", 200, 12, 16);
        float[] centre = Vectors.noise(random, 12);
        for (int i = 0; i < 3000; i++) {
            float[] vector = centre.clone();
            vector[random.nextInt(12)] += 1e-6f * random.nextInt(100);
            vectors.put("near" + i, vector);
        }

        holds(build(null, Space.L2, vectors, Set.of()), Space.L2, vectors);
    }

    @Test
    void huge_and_tiny_values_work() {
        Map<String, float[]> vectors = Vectors.isotropic("v", 200, 6, 17);
        int i = 0;
        for (float[] vector : vectors.values()) {
            float scale = i++ % 2 == 0 ? 1e37f : 1e-37f;
            for (int j = 0; j < 6; j++) {
                vector[j] *= scale;
            }
        }
        for (Space space : Space.values()) {
            holds(build(null, space, vectors, Set.of()), space, vectors);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 64})
    void any_M_works(int m) {
        Map<String, float[]> vectors = Vectors.clustered("v", 800, 10, 18);
        vectors.putAll(Vectors.copies("same", 300, vectors.get("v0")));
        Path folder = next();

        ProvenBuild.of(null, folder, new Parameters(Space.L2, 10, m, 50, false), Vectors.source(vectors), List.of());

        holds(folder, Space.L2, vectors);
        try (HnswIndex index = open(folder, Space.L2)) {
            assertThat(index.m()).isEqualTo(m);
            assertThat(index.efConstruction()).isEqualTo(50);
        }
    }

    @Test
    void histories_of_upserts_and_removals_end_with_what_is_left() {
        Random random = new Random(19);
        Map<String, float[]> expected = new LinkedHashMap<>();
        Path folder = build(null, Space.COSINE, Vectors.isotropic("v", 50, 6, 1), Set.of());
        expected.putAll(Vectors.isotropic("v", 50, 6, 1));
        for (int round = 0; round < 40; round++) {
            Map<String, float[]> upserts = new LinkedHashMap<>();
            List<String> removed = new ArrayList<>();
            for (int i = 0; i < 15; i++) {
                upserts.put("v" + random.nextInt(120), Vectors.noise(random, 6));
                removed.add("v" + random.nextInt(120));
            }
            removed.forEach(expected::remove);
            expected.putAll(upserts);
            try (HnswIndex base = open(folder, Space.COSINE)) {
                folder = build(base, Space.COSINE, upserts, removed);
            }
            holds(folder, Space.COSINE, expected);
        }
    }

    @Test
    void the_same_input_gives_the_same_files() throws IOException {
        Map<String, float[]> vectors = Vectors.clustered("v", 600, 20, 20);

        Path one = build(null, Space.L2, vectors, Set.of());
        Path two = build(null, Space.L2, vectors, Set.of());

        for (String file :
                List.of("header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")) {
            assertThat(Files.mismatch(one.resolve(file), two.resolve(file))).isEqualTo(-1);
        }
    }

    @Test
    void vectors_may_come_from_a_segment() {
        Map<String, float[]> vectors = Vectors.isotropic("v", 20, 4, 21);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment raw = arena.allocate(20 * 16);
            int i = 0;
            for (float[] vector : vectors.values()) {
                MemorySegment.copy(vector, 0, raw, Layout.FLOAT, 16L * i++, 4);
            }
            Path folder = next();
            ProvenBuild.of(
                    null,
                    folder,
                    parameters(Space.L2, 4),
                    VectorSource.of(List.copyOf(vectors.keySet()), raw),
                    List.of());
            holds(folder, Space.L2, vectors);
        }
    }

    @Test
    void a_vector_that_is_not_finite_is_refused_by_id_and_leaves_nothing() {
        Map<String, float[]> vectors = Vectors.isotropic("v", 20, 4, 22);
        vectors.put("bad", new float[] {1, 2, Float.NaN, 4});
        Path folder = next();

        assertThatThrownBy(
                        () -> ProvenBuild.of(null, folder, parameters(Space.L2, 4), Vectors.source(vectors), List.of()))
                .isInstanceOfSatisfying(FailureException.class, e -> {
                    assertThat(e.failure().reason()).isEqualTo("vector-not-finite");
                    assertThat(e.failure().message()).contains("id bad", "value 2");
                });
        assertThat(folder).doesNotExist();
    }

    @Test
    void a_base_of_another_dimension_is_refused() {
        try (HnswIndex base = open(build(null, Space.L2, Vectors.isotropic("v", 9, 4, 1), Set.of()), Space.L2)) {
            assertThatThrownBy(() ->
                            ProvenBuild.of(base, next(), parameters(Space.L2, 5), Vectors.source(Map.of()), List.of()))
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().reason()).isEqualTo("dimension-mismatch"));
        }
    }

    @Test
    void a_folder_with_an_index_is_left_alone() {
        Map<String, float[]> vectors = Vectors.isotropic("v", 9, 4, 1);
        Path folder = build(null, Space.L2, vectors, Set.of());

        assertThatThrownBy(() -> ProvenBuild.of(
                        null, folder, parameters(Space.L2, 4), Vectors.source(Map.of("w", new float[4])), List.of()))
                .isInstanceOf(IllegalArgumentException.class);
        holds(folder, Space.L2, vectors);
    }

    @Test
    void a_disk_that_takes_nothing_is_the_machines_fault() throws IOException {
        Path file = Files.createFile(temp.resolve("file"));

        assertThatThrownBy(() -> ProvenBuild.of(
                        null,
                        file.resolve("folder"),
                        parameters(Space.L2, 4),
                        Vectors.source(Map.of("w", new float[4])),
                        List.of()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().blame()).isEqualTo(Blame.NODE));
    }

    @Test
    void an_interrupt_stops_the_building_and_leaves_nothing() {
        Path folder = next();
        Map<String, float[]> vectors = Vectors.isotropic("v", 9, 4, 1);
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() ->
                            ProvenBuild.of(null, folder, parameters(Space.L2, 4), Vectors.source(vectors), List.of()))
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().blame()).isEqualTo(Blame.NODE));
        } finally {
            Thread.interrupted();
        }
        assertThat(folder).doesNotExist();
    }

    /** Structure, reachability, ids and vectors. */
    private static void holds(Path folder, Space space, Map<String, float[]> expected) {
        try (HnswIndex index = open(folder, space)) {
            index.check();
            new GraphCheck(index).requireReachable();
            assertThat(index.ids()).isEqualTo(expected.keySet());
            expected.forEach((id, vector) -> {
                float[] stored = index.vector(id);
                for (int i = 0; i < vector.length; i++) {
                    assertThat(Math.abs(stored[i] - vector[i]))
                            .isLessThanOrEqualTo(space == Space.COSINE ? 1e-6f * Math.abs(vector[i]) : 0);
                }
            });
        }
    }

    private Path build(HnswIndex base, Space space, Map<String, float[]> upserts, Collection<String> removed) {
        Path folder = next();
        int dimension =
                base != null ? base.dimension() : upserts.values().iterator().next().length;
        ProvenBuild.of(base, folder, parameters(space, dimension), Vectors.source(upserts), removed);
        return folder;
    }

    private Path next() {
        return temp.resolve("index" + folders++);
    }

    private static Parameters parameters(Space space, int dimension) {
        return new Parameters(space, dimension, 16, 100, false);
    }

    private static HnswIndex open(Path folder, Space space) {
        return HnswIndex.open(folder, space);
    }

    private static Map<String, float[]> vectors(HnswIndex index) {
        Map<String, float[]> vectors = new HashMap<>();
        index.ids().forEach(id -> vectors.put(id, index.vector(id)));
        return vectors;
    }

    private static Map<String, float[]> first(Map<String, float[]> vectors, int count) {
        Map<String, float[]> first = new LinkedHashMap<>();
        vectors.entrySet().stream().limit(count).forEach(e -> first.put(e.getKey(), e.getValue()));
        return first;
    }

    private Path fixture(String version, String name) {
        Path database = ChromaFixtures.unpack(version, name, temp.resolve(version + name));
        try (var folders = Files.list(database)) {
            return folders.filter(HnswIndex::exists).findFirst().orElseThrow();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static int label(HnswIndex index, String id) {
        return index.metadata().label(index.metadata().place(id));
    }
}
