package dev.chromacompactor.chroma.hnsw;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.chroma.Folders;
import dev.chromacompactor.chroma.Space;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many nodes at once into a graph that was there. */
@NullUnmarked
class GrowthTest {
    private static final int DIMENSION = 32;
    private static final int BASE = 2500;

    @TempDir
    Path temp;

    private int folders;

    private static Fresh.Tuning threads(int threads) {
        return new Fresh.Tuning(threads, 1000, Integer.MAX_VALUE, 100, 2000);
    }

    private static Fresh.Tuning inserting() {
        return new Fresh.Tuning(2, 1000, Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE);
    }

    private Path fresh(Space space, Map<String, float[]> vectors, Fresh.Tuning tuning) {
        Path folder = temp.resolve("index" + folders++);
        ProvenBuild.of(null, folder, parameters(space), Vectors.source(vectors), Set.of(), tuning, false);
        return folder;
    }

    private static HnswBuilder.Parameters parameters(Space space) {
        return new HnswBuilder.Parameters(space, DIMENSION, 16, 100, false);
    }

    private Path grow(
            Path from,
            Space space,
            Map<String, float[]> more,
            Set<String> removed,
            Fresh.Tuning tuning,
            boolean proven) {
        Path folder = temp.resolve("index" + folders++);
        try (HnswIndex index = HnswIndex.open(from, space)) {
            var report =
                    ProvenBuild.of(index, folder, parameters(space), Vectors.source(more), removed, tuning, proven);
            assertThat(report.extended()).isTrue();
        }
        return folder;
    }

    private static double recall(Path folder, Space space, List<float[]> queries, int ef) {
        try (HnswIndex index = HnswIndex.open(folder, space)) {
            return new Searcher(index).recall(queries, 10, ef);
        }
    }

    private static void assertSameFiles(Path one, Path other) throws IOException {
        try (var files = Files.list(one)) {
            for (Path file : files.toList()) {
                assertThat(other.resolve(file.getFileName())).hasSameBinaryContentAs(file);
            }
        }
    }

    private static Map<String, float[]> part(Map<String, float[]> all, int from, int to) {
        Map<String, float[]> part = new LinkedHashMap<>();
        all.keySet().stream().skip(from).limit(to - from).forEach(id -> part.put(id, all.get(id)));
        return part;
    }

    @ParameterizedTest
    @EnumSource
    void is_as_good_as_insertion(Space space) throws IOException {
        Map<String, float[]> all = Vectors.clustered("v", BASE + 600, DIMENSION, 11);
        List<float[]> queries = Vectors.queries(all.values(), 300, 12);
        Path base = fresh(space, part(all, 0, BASE), threads(2));

        Path inserted = grow(base, space, part(all, BASE, BASE + 600), Set.of(), inserting(), true);
        Path grown = grow(base, space, part(all, BASE, BASE + 600), Set.of(), threads(2), true);

        assertThat(grown.resolve(Sidecar.SKETCH)).exists();
        for (int ef : List.of(10, 50, 100)) {
            assertThat(recall(grown, space, queries, ef))
                    .isGreaterThanOrEqualTo(recall(inserted, space, queries, ef) - .02);
        }
    }

    @Test
    void a_narrow_beam_finds_more_in_a_graph_that_has_grown_by_long_links_than_in_one_from_nothing()
            throws IOException {
        Map<String, float[]> all = Vectors.clustered("v", 2 * BASE - 100, DIMENSION, 25);
        List<float[]> queries = Vectors.queries(all.values(), 1000, 26);
        Path base = fresh(Space.L2, part(all, 0, BASE), threads(2));

        Path grown = grow(base, Space.L2, part(all, BASE, all.size()), Set.of(), threads(2), true);

        assertThat(recall(grown, Space.L2, queries, 10))
                .isGreaterThan(recall(fresh(Space.L2, all, threads(2)), Space.L2, queries, 10) + .02);
    }

    @Test
    void the_number_of_threads_changes_no_byte() throws IOException {
        Map<String, float[]> all = Vectors.clustered("v", BASE + 600, DIMENSION, 13);
        Path base = fresh(Space.L2, part(all, 0, BASE), threads(2));
        var more = part(all, BASE, BASE + 600);

        assertSameFiles(
                grow(base, Space.L2, more, Set.of("v3"), threads(1), true),
                grow(base, Space.L2, more, Set.of("v3"), threads(4), true));
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing", "short", "another version", "another graph", "flipped"})
    void a_sidecar_that_does_not_fit_is_made_anew(String damage) throws IOException {
        Map<String, float[]> all = Vectors.clustered("v", BASE + 300, DIMENSION, 14);
        Path base = fresh(Space.L2, part(all, 0, BASE), threads(2));
        Path bare = Folders.copy(base, temp.resolve("bare"));
        Files.delete(bare.resolve(Sidecar.TABLE));
        Files.delete(bare.resolve(Sidecar.SKETCH));
        var more = part(all, BASE, BASE + 300);
        Path table = base.resolve(Sidecar.TABLE);
        byte[] bytes = Files.readAllBytes(table);
        switch (damage) {
            case "missing" -> Files.delete(base.resolve(Sidecar.SKETCH));
            case "short" -> Files.write(table, Arrays.copyOf(bytes, bytes.length - 8));
            case "another version" -> {
                bytes[4]++;
                Files.write(table, bytes);
            }
            case "another graph" -> {
                Path other = fresh(Space.L2, Vectors.clustered("w", BASE, DIMENSION, 15), threads(2));
                Files.copy(other.resolve(Sidecar.TABLE), table, StandardCopyOption.REPLACE_EXISTING);
            }
            default -> {
                bytes[bytes.length / 2] ^= 1;
                Files.write(table, bytes);
            }
        }

        assertSameFiles(
                grow(base, Space.L2, more, Set.of(), threads(2), true),
                grow(bare, Space.L2, more, Set.of(), threads(2), true));
    }

    @Test
    void what_is_replaced_or_removed_is_not_found_and_the_sidecar_goes_on() throws IOException {
        Map<String, float[]> all = Vectors.clustered("v", BASE + 1200, DIMENSION, 16);
        Path folder = fresh(Space.COSINE, part(all, 0, BASE), threads(2));
        for (int n = BASE; n < BASE + 1200; n += 300) {
            Map<String, float[]> more = part(all, n, n + 300);
            more.put("v" + (n - 900), all.get("v1"));
            folder = grow(folder, Space.COSINE, more, Set.of("v" + (n - 901)), threads(2), true);
        }

        try (HnswIndex index = HnswIndex.open(folder, Space.COSINE)) {
            assertThat(index.size()).isEqualTo(BASE + 1200 - 4);
            assertThat(index.deleted()).isEqualTo(8);
            assertThat(index.ids()).doesNotContain("v" + (BASE - 901));
        }
        assertThat(Files.size(folder.resolve(Sidecar.SKETCH))).isEqualTo(4L * DIMENSION * (BASE + 1204));
    }

    @Test
    void a_base_of_another_writer_gets_its_sidecar_once() throws IOException {
        Map<String, float[]> all = Vectors.clustered("v", BASE + 600, DIMENSION, 17);
        Path foreign = fresh(Space.IP, part(all, 0, BASE), inserting());

        Path first = grow(foreign, Space.IP, part(all, BASE, BASE + 300), Set.of(), threads(2), false);
        Path second = grow(first, Space.IP, part(all, BASE + 300, BASE + 600), Set.of(), threads(2), true);

        try (HnswIndex index = HnswIndex.open(second, Space.IP)) {
            assertThat(index.size()).isEqualTo(BASE + 600);
        }
        assertThat(second.resolve(Sidecar.TABLE)).exists();
    }

    @Test
    void thousands_of_equal_vectors_stay_reachable() throws IOException {
        Map<String, float[]> all = Vectors.clustered("v", BASE, DIMENSION, 18);
        Path base = fresh(Space.L2, all, threads(2));
        Map<String, float[]> more = Vectors.copies("old", 700, all.get("v7"));
        more.putAll(Vectors.copies("zero", 700, new float[DIMENSION]));

        Path grown = grow(base, Space.L2, more, Set.of(), threads(2), true);

        try (HnswIndex index = HnswIndex.open(grown, Space.L2)) {
            assertThat(index.size()).isEqualTo(BASE + 1400);
        }
    }

    /** In so many dimensions a batch has a sketch in a subspace, and the sidecar is made of it. */
    @ParameterizedTest
    @EnumSource
    void the_sidecar_of_a_batch_is_true_of_every_vector(Space space) throws IOException {
        int dimension = 256;
        Map<String, float[]> all = Vectors.clustered("v", BASE, dimension, 24);
        all.putAll(Vectors.copies("copy", 40, all.get("v7")));
        Path base = temp.resolve("index" + folders++);
        var parameters = new HnswBuilder.Parameters(space, dimension, 16, 100, false);
        ProvenBuild.of(null, base, parameters, Vectors.source(all), Set.of(), threads(2), false);
        Path into = Files.createDirectory(temp.resolve("index" + folders++));

        try (Arena arena = Arena.ofShared();
                HnswIndex index = HnswIndex.open(base, space);
                Graph graph = new Graph(into, index.header().layout(), space, all.size(), index)) {
            Sidecar sidecar = Sidecar.take(base, into, graph, all.size(), arena);
            assertThat(sidecar).isNotNull();
            for (int node = 0; node < graph.nodes(); node++) {
                float[] vector = graph.vector(node).toArray(Layout.FLOAT);
                assertThat(errorOfPlace(sidecar, node, vector)).isLessThan(1e-3);
                assertThat(errorOfTerm(sidecar, node, vector, space)).isLessThan(1e-3);
                assertThat(sidecar.hashes[node]).isEqualTo(Twins.hash(graph.vector(node)));
            }
        }
    }

    /** The greatest of all columns. */
    private static double errorOfPlace(Sidecar sidecar, int node, float[] vector) {
        double error = 0;
        float[] direction = new float[vector.length];
        for (int column = 0; column < sidecar.z.columns(); column++) {
            sidecar.directions.read(column, direction, direction.length);
            double place = 0;
            for (int k = 0; k < vector.length; k++) {
                place += ((double) vector[k] - sidecar.mean[k]) * direction[k];
            }
            error = Math.max(error, Math.abs(place - sidecar.z.get(node, column)));
        }
        return error;
    }

    /** Relative. */
    private static double errorOfTerm(Sidecar sidecar, int node, float[] vector, Space space) {
        double term = space == Space.IP ? .5 : 0;
        for (int k = 0; k < vector.length; k++) {
            double mean = sidecar.mean[k];
            double off = vector[k] - mean;
            term += space == Space.IP ? mean * mean / 2 - vector[k] * mean : off * off;
        }
        return Math.abs(sidecar.terms[node] - term) / Math.max(1, Math.abs(term));
    }

    @Test
    void clusters_are_told_by_a_subspace_and_noise_of_many_dimensions_is_not() throws IOException {
        assertThat(tells(Vectors.clustered("v", BASE, 512, 22), 512)).isTrue();
        assertThat(tells(Vectors.isotropic("v", BASE, 512, 23), 512)).isFalse();
    }

    private boolean tells(Map<String, float[]> vectors, int dimension) throws IOException {
        Path folder = Files.createDirectory(temp.resolve("index" + folders++));
        try (Arena arena = Arena.ofShared();
                Graph graph = new Graph(folder, new Layout(16, dimension), Space.L2, vectors.size(), null)) {
            for (float[] vector : vectors.values()) {
                int node = graph.append(graph.nodes() + 1);
                MemorySegment.copy(vector, 0, graph.vector(node), Layout.FLOAT, 0, dimension);
            }
            return new SidecarMaker(graph, new Workers(2), arena).make(folder, vectors.size()) != null;
        }
    }
}
