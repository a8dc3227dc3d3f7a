package dev.chromacompactor.chroma.hnsw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Indexes that real Chroma wrote, whole and damaged. */
@NullUnmarked
class HnswIndexTest {
    @TempDir
    Path temp;

    @ParameterizedTest
    @CsvSource({
        "0.6.3, persisted, L2, words, 1000, 0, 32, 16, 100",
        "0.6.3, churn, L2, words, 112, 21, 16, 16, 100",
        "0.6.3, churn_cosine, COSINE, words, 112, 21, 16, 16, 100",
        "0.6.3, two_collections, IP, lines, 80, 0, 12, 8, 64",
        "1.5.9, persisted, L2, words, 1000, 0, 32, 16, 100",
        "1.5.9, churn, L2, words, 109, 21, 16, 16, 100",
        "1.5.9, churn_cosine, COSINE, words, 109, 21, 16, 16, 100",
        "1.5.9, two_collections, IP, lines, 90, 0, 12, 8, 64",
    })
    void what_Chroma_wrote_is_read_and_found_whole(
            String version,
            String name,
            Space space,
            String collection,
            int live,
            int deleted,
            int dimension,
            int m,
            int ef) {
        try (HnswIndex index = HnswIndex.open(fixture(version, name), space)) {
            index.check();

            assertThat(index.size()).isEqualTo(live);
            assertThat(index.deleted()).isEqualTo(deleted);
            assertThat(index.dimension()).isEqualTo(dimension);
            assertThat(index.m()).isEqualTo(m);
            assertThat(index.efConstruction()).isEqualTo(ef);
            int equal = 0;
            for (JsonNode record : ChromaFixtures.expected(version, name, collection)) {
                String id = record.path("id").asText();
                if (index.contains(id) && isNear(index.vector(id), record.path("embedding"))) {
                    equal++;
                }
            }
            // What the log holds beyond the index may have replaced a few.
            assertThat(equal).isGreaterThanOrEqualTo(live * 9 / 10);
        }
    }

    @Test
    void a_cosine_vector_comes_back_with_its_length() {
        try (HnswIndex index = HnswIndex.open(fixture("1.5.9", "churn_cosine"), Space.COSINE)) {
            List<JsonNode> expected = ChromaFixtures.expected("1.5.9", "churn_cosine", "words");
            JsonNode record = expected.stream()
                    .filter(r -> index.contains(r.path("id").asText()))
                    .findFirst()
                    .orElseThrow();

            float[] vector = index.vector(record.path("id").asText());

            double squares = 0;
            for (float x : vector) {
                squares += (double) x * x;
            }
            assertThat(squares).isNotCloseTo(1, within(0.1));
            assertThat(isNear(vector, record.path("embedding"))).isTrue();
        }
    }

    @Test
    void a_folder_with_preallocated_files_only_holds_no_index() throws IOException {
        Path folder = ChromaFixtures.unpack("1.5.9", "two_collections", temp);
        try (var folders = Files.list(folder).filter(Files::isDirectory)) {
            assertThat(folders.filter(HnswIndex::exists)).hasSize(1);
        }
    }

    @Test
    void an_unknown_id_is_the_callers_mistake() {
        try (HnswIndex index = HnswIndex.open(fixture("1.5.9", "churn"), Space.L2)) {
            assertThatThrownBy(() -> index.vector("nobody")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("damages")
    void damage_is_found_and_named(String name, Damage damage, String reason, String inMessage) throws IOException {
        Path folder = fixture("1.5.9", "churn_cosine");

        damage.apply(folder);

        assertThatThrownBy(() -> {
                    try (HnswIndex index = HnswIndex.open(folder, Space.COSINE)) {
                        index.check();
                    }
                })
                .isInstanceOfSatisfying(FailureException.class, e -> {
                    assertThat(e.failure().reason()).isEqualTo(reason);
                    assertThat(e.failure().message()).contains(inMessage);
                });
    }

    interface Damage {
        void apply(Path folder) throws IOException;
    }

    /** churn_cosine of 1.5.9: 130 nodes of 204 bytes, M 16, 16-d, vectors at 132, labels at 196; highest level 1, entry point 34. */
    static Stream<Arguments> damages() {
        return Stream.of(
                damage("no header", f -> Files.delete(f.resolve("header.bin")), "index-missing-file", "header.bin"),
                damage(
                        "no data",
                        f -> Files.delete(f.resolve("data_level0.bin")),
                        "index-missing-file",
                        "data_level0.bin"),
                damage("no lengths", f -> Files.delete(f.resolve("length.bin")), "index-missing-file", "length.bin"),
                damage(
                        "no links",
                        f -> Files.delete(f.resolve("link_lists.bin")),
                        "index-missing-file",
                        "link_lists.bin"),
                damage("short header", cut("header.bin", 99), "index-torn", "99 bytes"),
                damage("other version", put("header.bin", 0, 2), "index-torn", "version"),
                damage("other offset of level 0", put("header.bin", 4, 8), "index-torn", "level 0"),
                damage("capacity below nodes", put("header.bin", 12, 129), "index-torn", "capacity"),
                damage("fewer nodes than ids", put("header.bin", 20, 120), "index-torn", "link_lists.bin"),
                damage("more nodes than data", put("header.bin", 20, 140), "index-torn", "140 nodes"),
                damage("other node size", put("header.bin", 28, 208), "index-torn", "bytes of a node"),
                damage("label within the vector", put("header.bin", 36, 194), "index-torn", "whole vector"),
                damage("no vector", put("header.bin", 36, 132), "index-torn", "whole vector"),
                damage("other vector offset", put("header.bin", 44, 68), "index-torn", "offset of the vector"),
                damage("highest level too low", put("header.bin", 52, 0), "index-torn", "highest"),
                damage("highest level too high", put("header.bin", 52, 2), "index-torn", "entry point"),
                damage("entry point beyond the nodes", put("header.bin", 56, 130), "index-torn", "entry point"),
                damage("other maxM", put("header.bin", 60, 8), "index-torn", "maxM"),
                damage("other maxM0", put("header.bin", 68, 33), "index-torn", "maxM0"),
                damage("other M", put("header.bin", 76, 8), "index-torn", "maxM"),
                damage("M of zero", put("header.bin", 76, 0), "index-torn", "M at 76"),
                damage("other level factor", put("header.bin", 88, 0x40000000), "index-torn", "level factor"),
                damage("short data", cut("data_level0.bin", 130 * 204 - 1), "index-torn", "too few"),
                damage("empty data", cut("data_level0.bin", 0), "index-torn", "too few"),
                damage("short lengths", cut("length.bin", 130 * 4 - 1), "index-torn", "too few"),
                damage("a length that is no number", put("length.bin", 4, 0x7fc00000), "vector-not-finite", "length"),
                damage("empty links", cut("link_lists.bin", 0), "index-torn", "ends"),
                damage("short links", cut("link_lists.bin", 600), "index-torn", "ends"),
                damage("longer links", f -> grow(f.resolve("link_lists.bin")), "index-torn", "after the last"),
                damage("odd links size", HnswIndexTest::oddLinkSize, "index-torn", "multiple of 68"),
                damage("too many links", put("data_level0.bin", 5 * 204, 33), "index-torn", "33 links"),
                damage("a link beyond the nodes", put("data_level0.bin", 5 * 204 + 4, 130), "index-torn", "to 130 of"),
                damage("a huge link", put("data_level0.bin", 5 * 204 + 4, -1), "index-torn", "4294967295"),
                damage("a link to itself", put("data_level0.bin", 5 * 204 + 4, 5), "index-torn", "itself"),
                damage("a link twice", HnswIndexTest::linkTwice, "index-torn", "twice"),
                damage(
                        "an upper link to a low node",
                        HnswIndexTest::upperLinkToLowNode,
                        "index-torn",
                        "not on that level"),
                damage("too many upper links", HnswIndexTest::tooManyUpperLinks, "index-torn", "17 links"),
                damage("NaN", put("data_level0.bin", 7 * 204 + 140, 0x7fc00000), "vector-not-finite", "NaN"),
                damage("infinity", put("data_level0.bin", 7 * 204 + 140, 0x7f800000), "vector-not-finite", "Infinity"),
                damage("a label nobody has", put("data_level0.bin", 7 * 204 + 196, 9999), "index-torn", "9999"),
                damage("labels off by one", HnswIndexTest::labelsOffByOne, "index-torn", "label"),
                damage("a live node marked deleted", HnswIndexTest::deleteLive, "index-torn", "is deleted"),
                damage("a deleted node revived", HnswIndexTest::revive, "index-torn", "belongs to no id"),
                damage("empty pickle", cut("index_metadata.pickle", 0), "index-pickle-invalid", "ends early"),
                damage(
                        "half a pickle",
                        cut("index_metadata.pickle", 1500),
                        "index-pickle-invalid",
                        "index_metadata.pickle"),
                damage(
                        "text for a pickle",
                        f -> Files.writeString(f.resolve("index_metadata.pickle"), "{\"a\": 1}"),
                        "index-pickle-invalid",
                        "no pickle"),
                damage("an id with the labels of two nodes", HnswIndexTest::nameTwice, "index-pickle-invalid", "twice"),
                damage(
                        "an id with a second label, which no node has",
                        f -> {
                            IndexMetadata metadata = metadata(f);
                            metadata.write(f, 16, false, new BitSet(), List.of(metadata.id(0)));
                        },
                        "index-pickle-invalid",
                        "twice"));
    }

    private static Arguments damage(String name, Damage damage, String reason, String inMessage) {
        return Arguments.of(name, damage, reason, inMessage);
    }

    private static Damage put(String file, int at, int value) {
        return folder -> edit(folder.resolve(file), bytes -> bytes.putInt(at, value));
    }

    private static Damage cut(String file, int length) {
        return folder -> {
            byte[] bytes = Files.readAllBytes(folder.resolve(file));
            assertThat(length).isLessThan(bytes.length);
            Files.write(folder.resolve(file), java.util.Arrays.copyOf(bytes, length));
        };
    }

    private static void grow(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length + 4));
    }

    private static void oddLinkSize(Path folder) throws IOException {
        edit(folder.resolve("link_lists.bin"), b -> b.putInt(firstUpper(b), 1801));
    }

    private static void linkTwice(Path folder) throws IOException {
        edit(folder.resolve("data_level0.bin"), b -> b.putInt(5 * 204 + 8, b.getInt(5 * 204 + 4)));
    }

    private static void upperLinkToLowNode(Path folder) throws IOException {
        edit(folder.resolve("link_lists.bin"), b -> {
            int at = firstUpper(b);
            int self = at / 4;
            b.putInt(at + 4, 1).putInt(at + 8, self == 0 ? 1 : self - 1);
        });
    }

    private static void tooManyUpperLinks(Path folder) throws IOException {
        edit(folder.resolve("link_lists.bin"), b -> b.putInt(firstUpper(b) + 4, 17));
    }

    /** The last id has the name of the first. */
    private static void nameTwice(Path folder) throws IOException {
        IndexMetadata metadata = metadata(folder);
        BitSet last = new BitSet();
        last.set(metadata.size() - 1);
        metadata.write(folder, 16, false, last, List.of(metadata.id(0)));
    }

    /** Of a copy, so that the file may be written anew. */
    private static IndexMetadata metadata(Path folder) throws IOException {
        Path copy = Files.createDirectories(folder.resolve("copy"));
        Files.copy(folder.resolve("index_metadata.pickle"), copy.resolve("index_metadata.pickle"));
        return IndexMetadata.read(copy, Arena.ofAuto());
    }

    private static void labelsOffByOne(Path folder) throws IOException {
        edit(folder.resolve("data_level0.bin"), b -> {
            for (int node = 0; node < 130; node++) {
                b.putLong(node * 204 + 196, b.getLong(node * 204 + 196) + 1);
            }
        });
    }

    private static void deleteLive(Path folder) throws IOException {
        edit(folder.resolve("data_level0.bin"), b -> b.put(node(b, 0) * 204 + 2, (byte) 1));
    }

    private static void revive(Path folder) throws IOException {
        edit(folder.resolve("data_level0.bin"), b -> b.put(node(b, 1) * 204 + 2, (byte) 0));
    }

    private static int node(ByteBuffer data, int deletedFlag) {
        for (int node = 0; ; node++) {
            if (data.get(node * 204 + 2) == deletedFlag) {
                return node;
            }
        }
    }

    /** Where the first node above level 0 begins: all before it have four bytes. */
    private static int firstUpper(ByteBuffer links) {
        for (int at = 0; ; at += 4) {
            if (links.getInt(at) != 0) {
                return at;
            }
        }
    }

    private interface Edit {
        void apply(ByteBuffer bytes);
    }

    private static void edit(Path file, Edit edit) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        byte[] before = bytes.clone();
        edit.apply(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        assertThat(bytes).isNotEqualTo(before);
        Files.write(file, bytes);
    }

    private Path fixture(String version, String name) {
        Path database = ChromaFixtures.unpack(version, name, temp.resolve(version + name));
        try (var folders = Files.list(database)) {
            return folders.filter(HnswIndex::exists).findFirst().orElseThrow();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static boolean isNear(float[] vector, JsonNode expected) {
        for (int i = 0; i < vector.length; i++) {
            double due = expected.path(i).asDouble();
            if (Math.abs(vector[i] - due) > 1e-6 * Math.max(1, Math.abs(due))) {
                return false;
            }
        }
        return vector.length == expected.size();
    }
}
