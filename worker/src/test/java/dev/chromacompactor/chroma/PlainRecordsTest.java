package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is copied in bulk is, to the last bit, what joining the same inputs record by record gives. */
class PlainRecordsTest {
    @TempDir
    static Path fixtures;

    @TempDir
    Path temp;

    private static FoldTest.Template template;

    /** What a snapshot holds, whatever the numbers of its rows. */
    static final List<String> CONTENTS = List.of(
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

    /** A delta of which records are copied, and told how many replaced others; or none. */
    private record Counted(Delta.Files files, boolean bulk, AtomicLong replaced) implements Delta {
        @Override
        public SchemaLevel level() {
            return files.level();
        }

        @Override
        public Seed seed() {
            return files.seed();
        }

        @Override
        public long bytes() {
            return files.bytes();
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

        @Override
        public Copied into(
                Workspace target,
                CollectionInfo source,
                CollectionInfo collection,
                Stamp stamp,
                Replaced before,
                Consumer<Entry> each) {
            if (!bulk) {
                return Delta.super.into(target, source, collection, stamp, before, each);
            }
            var copied = files.into(target, source, collection, stamp, before, each);
            replaced.addAndGet(copied.replaced().size());
            return copied;
        }
    }

    private record Result(Ledger ledger, String digest, List<List<String>> contents) {}

    /** What deltas are folded into. */
    enum Target {
        NOTHING,
        INTERMEDIATE,
        BASE,
        FOREIGN_BASE,
        PROVEN_BASE
    }

    private Result folded(Target target, List<Path> deltas, boolean bulk, AtomicLong replaced) {
        Path out = folder(bulk ? "bulk" : "one-by-one");
        Summary summary;
        var read = bulk ? deltas : List.<Path>of();
        try (var fold = begin(target, deltas.getFirst(), out);
                var ahead = fold.reading(
                        read.stream()
                                .map(each -> new ReadAhead.Source(each, null))
                                .toList(),
                        1 + deltas.size() % 3)) {
            for (int i = 0; i < deltas.size(); i++) {
                // Two positions are older than what came before them.
                var stamp = new Stamp(1_000, (i + 2) % deltas.size(), "delta-" + i);
                try (var delta = bulk ? ahead.next() : ChromaDatabase.openUnread(deltas.get(i));
                        var tables = delta.tables()) {
                    fold.apply(new Counted(new Delta.Files(delta, tables), bulk, replaced), stamp, null);
                }
            }
            summary = target == Target.INTERMEDIATE ? fold.finishIntermediate() : fold.finishSnapshot(0);
        }
        try (var database = ChromaDatabase.open(out)) {
            assertThat(RecordDigest.of(database)).isEqualTo(summary.digest());
        }
        var contents = new ArrayList<List<String>>();
        try (var tables = FoldDatabase.readOnly(out.resolve(SqliteFile.NAME))) {
            CONTENTS.forEach(sql -> contents.add(lines(tables, sql)));
        }
        return new Result(summary.ledger(), summary.digest(), contents);
    }

    static List<String> lines(FoldDatabase tables, String sql) {
        return tables.list(sql, row -> {
            var line = new StringBuilder();
            for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                line.append(row.getString(i)).append('|');
            }
            return line.toString();
        });
    }

    /** A base holds what the first delta says, as written before it. */
    private Fold begin(Target target, Path first, Path out) {
        return switch (target) {
            case NOTHING -> Fold.fresh(out);
            case INTERMEDIATE -> Fold.intermediate(out);
            case BASE, FOREIGN_BASE, PROVEN_BASE -> {
                Summary base;
                try (var fold = Fold.fresh(out);
                        var delta = ChromaDatabase.openUnread(first);
                        var tables = delta.tables()) {
                    var files = new Delta.Files(delta, tables);
                    fold.apply(new Counted(files, false, new AtomicLong()), new Stamp(500, 0, "base"), null);
                    base = fold.finishSnapshot(0);
                }
                yield Fold.onto(
                        out, target != Target.FOREIGN_BASE, target == Target.PROVEN_BASE ? base.digest() : null);
            }
        };
    }

    /** @return how many records were replaced in bulk */
    private long assertSame(Target target, List<Path> deltas) {
        var replaced = new AtomicLong();
        assertThat(folded(target, deltas, true, replaced)).isEqualTo(folded(target, deltas, false, replaced));
        return replaced.get();
    }

    private Path folder(String name) {
        try {
            return Files.createTempDirectory(temp, name);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @EnumSource(Target.class)
    void random_histories_on_disk_give_the_same(Target target) {
        long replaced = 0;
        for (long seed = 0; seed < 40; seed++) {
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
            // What is delivered twice says nothing new, and is copied if nothing else is known of it.
            deltas.add(deltas.get(random.nextInt(deltas.size())));
            deltas.add(deltas.get(random.nextInt(deltas.size())));
            replaced += assertSame(target, deltas);
        }
        assertThat(replaced).isGreaterThan(20);
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
        for (Target target : Target.values()) {
            assertSame(target, List.of(delta));
            assertSame(target, List.of(delta, delta));
        }
    }

    @Test
    void almost_all_records_are_copied_whether_new_or_known_but_not_older_ones() {
        Path directory =
                ChromaFixtures.unpack("1.5.9", "small_wal", folder("delta").resolve("db"));
        try (var delta = ChromaDatabase.openUnread(directory);
                var tables = delta.tables();
                var scratch = new VectorScratch(folder("scratch").resolve("vectors"))) {
            var files = new Delta.Files(delta, tables);
            Path file = folder("out").resolve(SqliteFile.NAME);
            try (var workspace = Workspace.create(file, files.seed(), files.level(), scratch)) {
                var info = files.collections().getFirst();
                long records = delta.records(info);
                var first = new Stamp(1, 1, "delta");
                var collection = workspace.collections().admit(files.definition(info), files.level(), first);

                var joined = new ArrayList<Entry>();
                var copied = files.into(workspace, info, collection, first, (id, row) -> {}, joined::add);
                assertThat(copied.added()).hasSizeGreaterThan(10 * joined.size());
                assertThat(copied.added().size() + joined.size()).isEqualTo((int) records);

                var replaced = new ArrayList<String>();
                var newer = new Stamp(2, 1, "delta");
                copied = files.into(workspace, info, collection, newer, (id, row) -> replaced.add(id), joined::add);
                assertThat(copied.added()).isEmpty();
                assertThat(copied.replaced()).isEqualTo(replaced).hasSizeGreaterThan((int) records / 2);

                joined.clear();
                var older = new Stamp(1, 5, "delta");
                copied = files.into(workspace, info, collection, older, (id, row) -> {}, joined::add);
                assertThat(copied.ids()).isEmpty();
                assertThat(joined).hasSize((int) records);
            }
        }
    }
}
