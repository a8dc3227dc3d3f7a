package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is copied in bulk is, to the last bit, what joining the same inputs record by record gives. */
class PlainRecordsTest {
    @TempDir
    static Path fixtures;

    @TempDir
    Path temp;

    private static FoldTest.Template template;

    /** What a snapshot holds, whatever the numbers of its rows. */
    private static final List<String> CONTENTS = List.of(
            "SELECT name, dimension, config_json_str FROM collections ORDER BY name",
            "SELECT segment_id, embedding_id, created_at, typeof(seq_id) FROM embeddings ORDER BY 1, 2",
            """
            SELECT e.segment_id, e.embedding_id, m.key, m.string_value, m.int_value, printf('%!.20e', m.float_value), m.bool_value,
                   typeof(m.float_value)
            FROM embeddings e JOIN embedding_metadata m ON m.id = e.id ORDER BY 1, 2, 3""",
            """
            SELECT e.segment_id, e.embedding_id, m.key, m.string_value, m.int_value, m.float_value, m.bool_value
            FROM embeddings e JOIN embedding_metadata_array m ON m.id = e.id ORDER BY 1, 2, 3, m.rowid""",
            """
            SELECT e.segment_id, e.embedding_id, f.string_value
            FROM embeddings e JOIN embedding_fulltext_search f ON f.rowid = e.id ORDER BY 1, 2""",
            "SELECT count(*) FROM embedding_fulltext_search",
            """
            SELECT e.segment_id, e.embedding_id, s.millis, s.position, s.key FROM embeddings e
            JOIN compactor_record r ON r.embedding = e.id JOIN compactor_stamp s ON s.ref = r.ref ORDER BY 1, 2""",
            "SELECT count(*) FROM compactor_record",
            """
            SELECT g.collection, g.id, g.kind, g.key, g.removed, s.millis, s.position, s.key FROM compactor_register g
            JOIN compactor_stamp s ON s.ref = g.ref ORDER BY 1, 2, 3, 4""",
            "SELECT segment_id, seq_id FROM max_seq_id ORDER BY 1");

    @BeforeAll
    static void unpack() {
        template = FoldTest.Template.of(ChromaFixtures.unpack("1.5.9", "small_wal", fixtures.resolve("young")));
    }

    /** A delta of which nothing is copied. */
    private record OneByOne(Delta.Files files) implements Delta {
        @Override
        public SchemaLevel level() {
            return files.level();
        }

        @Override
        public Seed seed() {
            return files.seed();
        }

        @Override
        public List<CollectionInfo> collections() {
            return files.collections();
        }

        @Override
        public CollectionDefinition definition(CollectionInfo collection) {
            return files.definition(collection);
        }

        @Override
        public void entries(CollectionInfo collection, Consumer<Entry> each) {
            files.entries(collection, each);
        }
    }

    private record Result(Ledger ledger, String digest, List<List<String>> contents) {}

    private Result folded(List<Path> deltas, boolean bulk) {
        Path out = folder(bulk ? "bulk" : "one-by-one");
        Summary summary;
        try (var fold = Fold.fresh(out)) {
            for (int i = 0; i < deltas.size(); i++) {
                // Two positions are older than what came before them.
                var stamp = new Stamp(1_000, (i + 2) % deltas.size(), "delta-" + i);
                try (var delta = ChromaDatabase.openUnread(deltas.get(i));
                        var tables = delta.tables()) {
                    var files = new Delta.Files(delta, tables);
                    fold.apply(bulk ? files : new OneByOne(files), stamp, null);
                }
            }
            summary = fold.finishSnapshot(0);
        }
        try (var database = ChromaDatabase.open(out)) {
            assertThat(RecordDigest.of(database)).isEqualTo(summary.digest());
        }
        var contents = new ArrayList<List<String>>();
        try (var tables = FoldDatabase.readOnly(out.resolve(SqliteFile.NAME))) {
            CONTENTS.forEach(sql -> contents.add(tables.list(sql, row -> {
                var line = new StringBuilder();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    line.append(row.getString(i)).append('|');
                }
                return line.toString();
            })));
        }
        return new Result(summary.ledger(), summary.digest(), contents);
    }

    private void assertSame(List<Path> deltas) {
        assertThat(folded(deltas, true)).isEqualTo(folded(deltas, false));
    }

    private Path folder(String name) {
        try {
            return Files.createTempDirectory(temp, name);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void random_histories_on_disk_give_the_same(long seed) {
        var random = new Random(seed);
        var history = new History(random, List.of("lines", "words"), seed % 2 == 0);
        var deltas = new ArrayList<Path>();
        for (History.Written written : history.deltas) {
            Path directory = folder("delta");
            try (var fold = Fold.intermediate(directory)) {
                fold.apply(template.delta(written), written.stamp(), null);
                fold.finishIntermediate();
            }
            disturb(directory, random);
            deltas.add(directory);
        }
        assertSame(deltas);
    }

    static Stream<Long> seeds() {
        return IntStream.range(0, 40).mapToObj(Long::valueOf);
    }

    /** As 1.x leaves doubles; and what can be in a WAL beside the one row that wrote a record. */
    private static void disturb(Path directory, Random random) {
        try (var database = FoldDatabase.writable(directory.resolve(SqliteFile.NAME))) {
            if (random.nextBoolean()) {
                database.update("UPDATE embedding_metadata SET float_value = float_value * (1 + 2.220446049250313e-16)"
                        + " WHERE float_value IS NOT NULL AND id % 2 = 0");
            }
            if (random.nextInt(3) == 0) {
                database.update("UPDATE embeddings_queue SET operation = 0 WHERE operation = 2 AND seq_id % 2 = 0");
            }
            if (random.nextInt(3) == 0) {
                database.update("""
                        INSERT INTO embeddings_queue (operation, topic, id, metadata)
                        SELECT 1, topic, id, '{"a": null, "new": 0.1}' FROM embeddings_queue WHERE operation = 2 LIMIT 2""");
            }
            if (random.nextInt(3) == 0) {
                database.update("UPDATE embeddings_queue SET metadata = NULL WHERE seq_id % 3 = 0");
            }
            database.commit();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"small_wal", "all_types", "two_collections", "churn", "churn_cosine", "persisted"})
    void what_chroma_wrote_gives_the_same(String fixture) {
        Path delta = ChromaFixtures.unpack("1.5.9", fixture, folder("delta").resolve("db"));
        assertSame(List.of(delta));
        assertSame(List.of(delta, delta));
    }

    @Test
    void almost_all_records_are_copied() {
        Path directory =
                ChromaFixtures.unpack("1.5.9", "small_wal", folder("delta").resolve("db"));
        long[] joined = {0};
        try (var fold = Fold.fresh(folder("first"));
                var delta = ChromaDatabase.openUnread(directory);
                var tables = delta.tables()) {
            var files = new Delta.Files(delta, tables);
            var stamp = new Stamp(1, 1, "delta");
            fold.apply(files, stamp, null);
            var workspace = Workspace.create(
                    folder("second").resolve(SqliteFile.NAME),
                    files.seed(),
                    files.level(),
                    new VectorScratch(folder("scratch").resolve("vectors")));
            try (workspace;
                    var _ = workspace.scratch()) {
                var info = files.collections().getFirst();
                var collection = workspace.collections().admit(files.definition(info), files.level(), stamp);
                var copied = files.into(workspace, info, collection, stamp, entry -> joined[0]++);
                assertThat((long) copied.ids().size())
                        .isGreaterThan(10 * joined[0])
                        .isPositive();
            }
        }
    }
}
