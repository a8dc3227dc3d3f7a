package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChromaDatabaseTest {
    @TempDir
    Path directory;

    static Stream<Arguments> fixtures() {
        return ChromaFixtures.NAMES.entrySet().stream()
                .flatMap(all -> all.getValue().stream().map(name -> Arguments.of(all.getKey(), name)));
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void every_record_is_read_as_real_Chroma_returns_it(String version, String name) {
        ChromaFixtures.unpack(version, name, directory);
        try (var database = ChromaDatabase.open(directory)) {
            for (CollectionInfo collection : database.collections()) {
                List<JsonNode> lines = ChromaFixtures.expected(version, name, collection.name());
                Map<String, Entry.Live> records = live(database, collection);

                assertThat(database.records(collection))
                        .isEqualTo(lines.getFirst().get("_count").asLong());
                assertThat(records).hasSize(lines.size() - 1);
                for (JsonNode line : lines.subList(1, lines.size())) {
                    String id = line.get("id").asText();
                    assertThat(records).containsKey(id);
                    assertSame(id, Objects.requireNonNull(records.get(id)), line, collection.space());
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void the_collection_is_described_as_real_Chroma_computes_it(String version, String name) {
        ChromaFixtures.unpack(version, name, directory);
        try (var database = ChromaDatabase.openTrusted(directory)) {
            for (CollectionInfo collection : database.collections()) {
                JsonNode head = ChromaFixtures.expected(version, name, collection.name())
                        .getFirst();
                String legacy = head.path("_metadata").path("hnsw:space").asText("");
                String configured =
                        head.path("_config").path("hnsw").path("space").asText("l2");

                assertThat(collection.space().label()).isEqualTo(legacy.isEmpty() ? configured : legacy);
                assertThat(collection.dimension())
                        .isEqualTo(
                                head.get("_dim").isNull()
                                        ? null
                                        : head.get("_dim").asInt());
                boolean tuned =
                        name.equals("two_collections") && collection.name().equals("lines");
                assertThat(collection.m()).isEqualTo(tuned ? 8 : 16);
                assertThat(collection.efConstruction()).isEqualTo(tuned ? 64 : 100);
            }
        }
    }

    @Test
    void the_schema_level_is_that_of_the_newest_migrations() {
        try (var first = ChromaDatabase.open(ChromaFixtures.unpack("0.5.0", "churn_wal", directory.resolve("first")));
                var old = ChromaDatabase.open(ChromaFixtures.unpack("0.6.3", "churn", directory.resolve("old")));
                var recent =
                        ChromaDatabase.open(ChromaFixtures.unpack("1.5.9", "churn", directory.resolve("recent")))) {
            assertThat(first.level()).isEqualTo(new SchemaLevel(5, 3, 1));
            assertThat(old.level()).isEqualTo(new SchemaLevel(9, 4, 2));
            assertThat(recent.level()).isEqualTo(new SchemaLevel(10, 6, 2));
        }
    }

    @Test
    void collections_are_sorted_by_name() {
        ChromaFixtures.unpack("1.5.9", "two_collections", directory);
        try (var database = ChromaDatabase.open(directory)) {
            assertThat(database.collections())
                    .extracting(CollectionInfo::name)
                    .containsExactly("empty", "lines", "words");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.5.0", "0.6.3", "1.5.9"})
    void deletes_still_in_the_WAL_are_told_even_where_the_id_was_added_anew(String version) {
        ChromaFixtures.unpack(version, "churn_wal", directory);
        try (var database = ChromaDatabase.open(directory)) {
            Set<String> gone = new HashSet<>();
            Set<String> readded = new HashSet<>();
            database.entries(database.collections().getFirst(), entry -> {
                if (entry.deleted()) {
                    (entry.live() == null ? gone : readded).add(entry.id());
                }
            });
            assertThat(readded).containsExactly("l012");
            assertThat(gone)
                    .containsExactlyInAnyOrder("l010", "l011", "l013", "l014", "l015", "l016", "l017", "l018", "l019");
        }
    }

    @Test
    void a_null_in_the_WAL_is_a_removed_key() {
        ChromaFixtures.unpack("1.5.9", "churn", directory);
        try (var database = ChromaDatabase.open(directory)) {
            Map<String, Set<String>> removed = new LinkedHashMap<>();
            database.entries(database.collections().getFirst(), entry -> {
                if (!entry.removedKeys().isEmpty()) {
                    removed.put(entry.id(), entry.removedKeys());
                }
            });
            assertThat(removed).containsExactly(Map.entry("w070", Set.of("keep")));
        }
    }

    @Test
    void the_time_of_the_last_operation_is_known_without_a_clock() {
        ChromaFixtures.unpack("1.5.9", "persisted", directory);
        try (var database = ChromaDatabase.open(directory)) {
            assertThat(database.writtenAtMillis())
                    .hasValue(Instant.parse("2026-11-24T03:43:55Z").toEpochMilli());
        }
    }

    @Test
    void updates_and_deletes_of_ids_it_never_held_are_counted_and_told() throws SQLException {
        ChromaFixtures.unpack("1.5.9", "small_wal", directory);
        append("61, 1, 'stranger', NULL, NULL, '{\"a\":null}'", "62, 3, 'foreign', NULL, NULL, '{}'");
        change("UPDATE max_seq_id SET seq_id = 62");
        try (var database = ChromaDatabase.open(directory)) {
            CollectionInfo words = database.collections().getFirst();
            Set<Entry> without = new HashSet<>();
            database.entries(words, entry -> {
                if (entry.live() == null) {
                    without.add(entry);
                }
            });
            assertThat(without).containsExactly(new Entry("foreign", null, Set.of(), true));
            assertThat(database.findings(words)).isEqualTo(new Findings(1, 0));
        }
    }

    @Test
    void positions_without_a_trace_are_those_overwritten_or_lost() {
        ChromaFixtures.unpack("1.5.9", "two_collections", directory);
        try (var database = ChromaDatabase.open(directory)) {
            // Of 182 positions two wrote l3 and l85: their records are gone and their rows purged.
            long missing = database.collections().stream()
                    .mapToLong(collection -> database.findings(collection).positionsWithoutTrace())
                    .sum();
            assertThat(missing).isEqualTo(2);
        }
    }

    @Test
    void the_WAL_beyond_the_metadata_is_applied_with_Chromas_semantics() throws SQLException {
        ChromaFixtures.unpack("1.5.9", "small_wal", directory);
        change("UPDATE embeddings_queue SET id = 'a' || seq_id");
        change("UPDATE embeddings SET embedding_id = 'a' || seq_id");
        String vector = "(SELECT vector FROM embeddings_queue WHERE seq_id = 60), 'FLOAT32'";
        append(
                "61, 0, 'a1', " + vector + ", '{\"text\":\"ignored\"}'",
                "62, 1, 'a2', NULL, NULL, '{\"text\":\"updated\",\"left\":null,\"n\":Infinity}'",
                "63, 2, 'a3', " + vector + ", '{\"chroma:document\":\"new\",\"x\":0.1}'",
                "64, 3, 'a4', NULL, NULL, NULL",
                "65, 1, 'absent', NULL, NULL, '{\"text\":\"ignored\"}'",
                "66, 2, 'fresh', " + vector + ", '{\"tags\":[1,2],\"big\":9223372036854775807}'");
        try (var database = ChromaDatabase.open(directory)) {
            CollectionInfo words = database.collections().getFirst();
            Map<String, Entry.Live> records = live(database, words);
            float[] last = get(records, "a60").vector();

            assertThat(database.records(words)).isEqualTo(60);
            assertThat(records).hasSize(60).doesNotContainKeys("a4", "absent");
            assertThat(get(records, "a1").metadata()).containsEntry("text", new MetadataValue.Text("w0"));
            assertThat(get(records, "a1").vector()).isNotEqualTo(last);
            assertThat(get(records, "a2").metadata())
                    .containsEntry("text", new MetadataValue.Text("updated"))
                    .containsEntry("n", new MetadataValue.Real(Double.POSITIVE_INFINITY))
                    .doesNotContainKey("left");
            assertThat(get(records, "a2").document()).isEqualTo("w1");
            assertThat(get(records, "a3").document()).isEqualTo("new");
            assertThat(get(records, "a3").vector()).isEqualTo(last);
            assertThat(get(records, "a3").metadata())
                    .containsEntry("x", new MetadataValue.Real(0.1))
                    .containsEntry("text", new MetadataValue.Text("w2"));
            assertThat(get(records, "fresh").metadata())
                    .containsEntry(
                            "tags",
                            new MetadataValue.Many(List.of(new MetadataValue.Whole(1), new MetadataValue.Whole(2))))
                    .containsEntry("big", new MetadataValue.Whole(Long.MAX_VALUE));
        }
    }

    @Test
    void doubles_are_those_the_producer_gave_where_the_WAL_still_has_them() throws SQLException {
        ChromaFixtures.unpack("1.5.9", "small_wal", directory);
        change("UPDATE embeddings_queue SET id = 'a' || seq_id");
        change("UPDATE embeddings SET embedding_id = 'a' || seq_id");
        change(
                "UPDATE embeddings_queue SET metadata = '{\"x\":0.7892765100652387,\"confidence\":0.5}' WHERE seq_id = 7");
        change("UPDATE embedding_metadata SET float_value = 0.7892765100652388"
                + " WHERE key = 'x' AND id = (SELECT id FROM embeddings WHERE embedding_id = 'a7')");
        try (var database = ChromaDatabase.open(directory)) {
            Entry.Live record = get(live(database, database.collections().getFirst()), "a7");
            assertThat(record.metadata())
                    .containsEntry("x", new MetadataValue.Real(0.7892765100652387))
                    // Too far apart to be the same number: the table is what Chroma returns.
                    .containsEntry("confidence", new MetadataValue.Real(0.906));
        }
    }

    @Test
    void a_journal_that_was_finished_is_no_open_transaction() throws Exception {
        ChromaFixtures.unpack("1.5.9", "small_wal", directory);
        Files.write(directory.resolve("chroma.sqlite3-journal"), new byte[512]);
        Files.createFile(directory.resolve("chroma.sqlite3-wal"));
        try (var database = ChromaDatabase.open(directory)) {
            assertThat(database.collections()).hasSize(1);
        }
    }

    @Test
    void a_file_in_write_ahead_mode_is_read_without_leaving_anything() throws Exception {
        ChromaFixtures.unpack("1.5.9", "small_wal", directory);
        change("PRAGMA journal_mode = wal");
        try (var database = ChromaDatabase.open(directory)) {
            assertThat(live(database, database.collections().getFirst())).hasSize(60);
            try (Stream<Path> files = Files.list(directory)) {
                assertThat(files.map(file -> file.getFileName().toString()))
                        .noneMatch(name -> name.contains("-" + "shm"));
            }
        }
    }

    @Test
    void what_0_6_leaves_of_a_deleted_collection_is_passed_over() throws SQLException {
        ChromaFixtures.unpack("0.6.3", "small_wal", directory);
        change(
                "INSERT INTO embeddings (segment_id, embedding_id, seq_id) VALUES ('dropped', 'left', x'0000000000000003')");
        change("INSERT INTO max_seq_id VALUES ('dropped', x'0000000000000003')");
        change(
                "INSERT INTO embeddings_queue (operation, topic, id) VALUES (9, 'persistent://default/default/old', 'left')");
        try (var database = ChromaDatabase.open(directory)) {
            CollectionInfo words = database.collections().getFirst();
            assertThat(live(database, words)).hasSize(60).doesNotContainKey("left");
            assertThat(database.records(words)).isEqualTo(60);
        }
    }

    @Test
    void an_unknown_collection_is_refused_by_name() {
        ChromaFixtures.unpack("1.5.9", "small_wal", directory);
        try (var database = ChromaDatabase.open(directory)) {
            var stranger = new CollectionInfo("id", "stranger", 3, Space.L2, 16, 100, "v", "m");
            assertThatThrownBy(() -> database.records(stranger))
                    .isInstanceOf(FailureException.class)
                    .hasMessageContaining("stranger");
        }
    }

    private void append(String... rows) throws SQLException {
        for (String row : rows) {
            change("INSERT INTO embeddings_queue (topic, seq_id, operation, id, vector, encoding, metadata)"
                    + " SELECT 'persistent://default/default/' || id, x.* FROM collections, (SELECT " + row + ") x");
        }
    }

    private void change(String sql) throws SQLException {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("chroma.sqlite3"));
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static Map<String, Entry.Live> live(ChromaDatabase database, CollectionInfo collection) {
        Map<String, Entry.Live> records = new LinkedHashMap<>();
        database.entries(collection, entry -> {
            if (entry.live() != null) {
                assertThat(records.put(entry.id(), entry.live())).as(entry.id()).isNull();
            }
        });
        return records;
    }

    private static Entry.Live get(Map<String, Entry.Live> records, String id) {
        return Objects.requireNonNull(records.get(id), id);
    }

    private static void assertSame(String id, Entry.Live live, JsonNode line, Space space) {
        assertThat(live.document()).as(id).isEqualTo(line.get("document").textValue());
        Map<String, JsonNode> metadata = new LinkedHashMap<>();
        line.get("metadata").properties().forEach(field -> metadata.put(field.getKey(), field.getValue()));
        assertThat(live.metadata().keySet()).as(id).isEqualTo(metadata.keySet());
        metadata.forEach((key, json) -> assertSame(
                id + "/" + key, Objects.requireNonNull(live.metadata().get(key)), json));
        assertThat(normalised(live.vector(), space))
                .as(id)
                .hasSize(line.get("embedding").size());
        float[] expected = new float[live.vector().length];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = (float) line.get("embedding").get(i).asDouble();
        }
        if (space == Space.COSINE) {
            assertThat(normalised(live.vector(), space))
                    .as(id)
                    .containsExactly(normalised(expected, space), within(2e-6f));
        } else {
            assertThat(live.vector()).as(id).isEqualTo(expected);
        }
    }

    private static void assertSame(String where, MetadataValue value, JsonNode json) {
        switch (value) {
            case MetadataValue.Text(String text) -> assertThat(text).as(where).isEqualTo(json.textValue());
            case MetadataValue.Whole(long whole) -> {
                assertThat(json.isIntegralNumber()).as(where).isTrue();
                assertThat(whole).as(where).isEqualTo(json.longValue());
            }
            case MetadataValue.Flag(boolean flag) -> {
                assertThat(json.isBoolean()).as(where).isTrue();
                assertThat(flag).as(where).isEqualTo(json.booleanValue());
            }
            case MetadataValue.Real(double real) -> {
                assertThat(json.isFloatingPointNumber()).as(where).isTrue();
                double expected = json.doubleValue();
                if (Double.isFinite(expected)) {
                    assertThat(real).as(where).isCloseTo(expected, within(2 * Math.ulp(expected)));
                } else {
                    assertThat(real).as(where).isEqualTo(expected);
                }
            }
            case MetadataValue.Many(List<MetadataValue> values) -> {
                assertThat(values).as(where).hasSize(json.size());
                for (int i = 0; i < values.size(); i++) {
                    assertSame(where + "/" + i, values.get(i), json.get(i));
                }
            }
        }
    }

    private static float[] normalised(float[] vector, Space space) {
        double length = 0;
        for (float value : vector) {
            length += (double) value * value;
        }
        float[] unit = vector.clone();
        for (int i = 0; space == Space.COSINE && i < unit.length; i++) {
            unit[i] = (float) (unit[i] / Math.sqrt(length));
        }
        return unit;
    }
}
