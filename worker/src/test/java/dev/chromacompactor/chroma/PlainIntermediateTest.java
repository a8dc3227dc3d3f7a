package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is copied out of intermediates in bulk is what joining them record by record gives; and what they hold is what Chroma reads. */
class PlainIntermediateTest {
    @TempDir
    static Path fixtures;

    @TempDir
    Path temp;

    private static FoldTest.Template old;
    private static FoldTest.Template young;
    private int folders;

    private static final List<String> WAL = List.of(
            "SELECT topic, id, operation, created_at, hex(vector), encoding, metadata, typeof(metadata) FROM embeddings_queue ORDER BY 1, 2, 3",
            "SELECT name, millis, position, key FROM compactor_collection JOIN compactor_stamp USING (ref) ORDER BY 1",
            "SELECT millis, position, key FROM compactor_stamp ORDER BY 1, 2, 3");

    @BeforeAll
    static void unpack() {
        old = FoldTest.Template.of(ChromaFixtures.unpack("0.6.3", "small_wal", fixtures.resolve("old")));
        young = FoldTest.Template.of(ChromaFixtures.unpack("1.5.9", "small_wal", fixtures.resolve("young")));
    }

    private Path folder() {
        try {
            return Files.createDirectory(temp.resolve("f" + folders++));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same, of which nothing is copied: of each record it also remembers a delete that is older than any, which says nothing. */
    private Path oneByOne(Path intermediate) {
        var target = Folders.copy(intermediate, folder());
        try (var database = FoldDatabase.writable(target.resolve(SqliteFile.NAME))) {
            database.update("""
                    INSERT OR IGNORE INTO compactor_register (collection, id, kind, key, removed, ref)
                    SELECT c.name, e.embedding_id, 0, '', 0, 0 FROM embeddings e
                    JOIN segments s ON s.id = e.segment_id JOIN collections c ON c.id = s.collection""");
            database.commit();
        }
        return target;
    }

    private record Result(Ledger ledger, String digest, SchemaLevel level, List<List<String>> contents) {
        static Result of(Path directory, Summary summary, List<String> queries) {
            var contents = new ArrayList<List<String>>();
            try (var tables = FoldDatabase.readOnly(directory.resolve(SqliteFile.NAME))) {
                boolean lists = tables.hasTable("embedding_metadata_array");
                queries.stream()
                        .filter(sql -> lists || !sql.contains("embedding_metadata_array"))
                        .forEach(sql -> contents.add(PlainRecordsTest.lines(tables, sql)));
            }
            return new Result(summary.ledger(), summary.digest(), summary.level(), contents);
        }
    }

    private Result group(List<Path> intermediates, Predicate<Stamp> refused) {
        var directory = folder();
        Summary summary;
        try (var fold = Fold.intermediate(directory)) {
            intermediates.forEach(one -> fold.applyIntermediate(one, refused));
            summary = fold.finishIntermediate();
        }
        var queries = new ArrayList<>(PlainRecordsTest.CONTENTS);
        queries.removeLast(); // how far the WAL goes, which also says how many numbers of rows were given away
        queries.addAll(WAL);
        return Result.of(directory, summary, queries);
    }

    /** Onto nothing, or onto what was published of the others before. */
    private Result snapshot(List<Path> intermediates, Predicate<Stamp> refused, Path base, String proven) {
        var directory = base == null ? folder() : Folders.copy(base, folder());
        Summary summary;
        try (var fold = base == null ? Fold.fresh(directory) : Fold.onto(directory, true, proven)) {
            intermediates.forEach(one -> fold.applyIntermediate(one, refused));
            summary = fold.finishSnapshot(0);
        }
        try (var database = ChromaDatabase.open(directory)) {
            assertThat(RecordDigest.of(database)).isEqualTo(summary.digest());
        }
        return Result.of(
                directory, summary, PlainRecordsTest.CONTENTS.subList(0, PlainRecordsTest.CONTENTS.size() - 1));
    }

    /** Of one or several deltas each, some of them in two. */
    private List<Path> intermediates(Random random, List<History.Written> deltas, boolean twoLevels) {
        var rest = new ArrayList<>(deltas);
        rest.addAll(rest.subList(0, random.nextInt(rest.size() + 1)));
        var intermediates = new ArrayList<Path>();
        while (!rest.isEmpty()) {
            var chunk = rest.subList(0, 1 + random.nextInt(rest.size()));
            var directory = folder();
            try (var fold = Fold.intermediate(directory)) {
                for (var delta : chunk) {
                    var template = twoLevels && random.nextBoolean() ? old : young;
                    fold.apply(template.delta(delta), delta.stamp(), null);
                }
                fold.finishIntermediate();
            }
            intermediates.add(directory);
            chunk.clear();
        }
        return intermediates;
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void random_histories_give_the_same(long seed) {
        var random = new Random(seed);
        var history = new History(random, List.of("lines", "words"), seed % 2 == 0);
        var bulk = intermediates(random, history.deltas, seed % 2 == 1);
        var single = bulk.stream().map(this::oneByOne).toList();
        int horizon = random.nextInt(3) == 0 ? 1_002 : 0;
        Predicate<Stamp> refused = stamp -> stamp.millis() < horizon;

        assertThat(group(bulk, refused)).isEqualTo(group(single, refused));
        assertThat(snapshot(bulk, refused, null, null)).isEqualTo(snapshot(single, refused, null, null));

        var base = folder();
        String proven;
        int half = random.nextInt(bulk.size() + 1);
        try (var fold = Fold.fresh(base)) {
            var first = new ArrayList<>(bulk.subList(0, half));
            first.add(bulk.getLast());
            first.forEach(one -> fold.applyIntermediate(one, stamp -> false));
            proven = fold.finishSnapshot(0).digest();
        }
        assertThat(snapshot(bulk, refused, base, proven)).isEqualTo(snapshot(single, refused, base, proven));
        assertThat(snapshot(bulk, refused, base, null)).isEqualTo(snapshot(single, refused, base, null));
    }

    static Stream<Long> seeds() {
        return IntStream.range(0, 40).mapToObj(Long::valueOf);
    }

    @Test
    void almost_all_records_are_copied_and_again_in_the_place_of_older_ones() {
        try (var scratch = new VectorScratch(folder().resolve("vectors"));
                var older = new Intermediate(intermediate(1));
                var target = Workspace.create(
                        folder().resolve(SqliteFile.NAME), older.container(), older.level(), scratch)) {
            var joined = new ArrayList<String>();

            var copied = into(target, older, joined);
            assertThat(copied.added()).hasSizeGreaterThan(10 * joined.size());
            assertThat(copied.replaced()).isEmpty();

            joined.clear();
            try (var newer = new Intermediate(intermediate(2))) {
                copied = into(target, newer, joined);
            }
            assertThat(copied.added()).isEmpty();
            assertThat(copied.replaced()).hasSizeGreaterThan(10 * joined.size());

            joined.clear();
            copied = into(target, older, joined);
            assertThat(copied.ids()).isEmpty();
            assertThat(joined).isNotEmpty();
        }
    }

    private Path intermediate(long millis) {
        Path delta = ChromaFixtures.unpack("1.5.9", "small_wal", folder().resolve("db"));
        var directory = folder();
        try (var fold = Fold.intermediate(directory);
                var chroma = ChromaDatabase.open(delta)) {
            fold.apply(chroma, new Stamp(millis, 1, "delta"), null);
            fold.finishIntermediate();
        }
        return directory;
    }

    private static Delta.Copied into(Workspace target, Intermediate source, List<String> joined) {
        var info = source.collections().getFirst();
        var collection = target.collections().admit(source.definition(info), source.level(), source.definedBy(info));
        target.database().attach(source.file());
        try {
            return PlainIntermediate.into(
                    target, source, info, collection, stamp -> false, (id, row) -> {}, joined::add);
        } finally {
            target.database().detach();
        }
    }

    @Test
    void the_wal_says_of_each_record_what_a_json_library_makes_of_its_metadata() throws IOException {
        var metadata = new TreeMap<String, MetadataValue>();
        metadata.put("a \"quoted\" \\ key\n", new MetadataValue.Text("control \u0001, tab\t, ☃ and 😀, </script>"));
        metadata.put("Ünicode", new MetadataValue.Text(""));
        metadata.put("whole", new MetadataValue.Whole(Long.MIN_VALUE));
        metadata.put("real", new MetadataValue.Real(1e22 / 3));
        metadata.put("small", new MetadataValue.Real(4.9e-324));
        metadata.put("round", new MetadataValue.Real(100));
        metadata.put("infinite", new MetadataValue.Real(Double.NEGATIVE_INFINITY));
        metadata.put("flag", new MetadataValue.Flag(true));
        var texts = Map.of("z", list(new MetadataValue.Text("x"), new MetadataValue.Text("\"y\"")));
        var reals = Map.of("z", list(new MetadataValue.Real(0.1), new MetadataValue.Real(2)));
        var wholes = Map.of("z", list(new MetadataValue.Whole(1), new MetadataValue.Whole(2)));
        var flags = Map.of("z", list(new MetadataValue.Flag(false)));
        var infinite = Map.of("z", list(new MetadataValue.Real(0.1), new MetadataValue.Real(Double.POSITIVE_INFINITY)));

        var records = List.of(metadata, texts, reals, wholes, flags, infinite, Map.<String, MetadataValue>of());
        var vector = new float[] {1.5f, -0.0f, Float.MIN_VALUE};
        var entries = new ArrayList<Entry>();
        var expected = new ArrayList<String>();
        for (var record : records) {
            var document = record.isEmpty() ? null : "a \"document\"\u0000";
            entries.add(new Entry("id" + entries.size(), new Entry.Live(vector, document, record), Set.of(), false));
            var node = new ObjectMapper().createObjectNode();
            record.forEach((key, value) -> put(node, key, value));
            if (document != null) {
                node.put(Registers.DOCUMENT, document);
            }
            expected.add("text" + node);
        }
        var delta = new History.Written(new Stamp(1, 1, "d"), Map.of("words", entries));
        var directory = folder();
        try (var fold = Fold.intermediate(directory)) {
            fold.apply(young.delta(delta), delta.stamp(), null);
            fold.finishIntermediate();
        }

        try (var tables = FoldDatabase.readOnly(directory.resolve(SqliteFile.NAME))) {
            assertThat(tables.list(
                            "SELECT typeof(metadata), metadata FROM embeddings_queue ORDER BY id",
                            row -> row.getString(1) + row.getString(2)))
                    .isEqualTo(expected);
            assertThat(tables.list("SELECT vector FROM embeddings_queue", row -> Floats.of(row.getBytes(1))))
                    .hasSize(records.size())
                    .allSatisfy(read -> assertThat(read).isEqualTo(vector));
        }
    }

    private static MetadataValue list(MetadataValue... elements) {
        return new MetadataValue.Many(List.of(elements));
    }

    private static void put(ObjectNode node, String key, MetadataValue value) {
        switch (value) {
            case MetadataValue.Text(String text) -> node.put(key, text);
            case MetadataValue.Whole(long whole) -> node.put(key, whole);
            case MetadataValue.Flag(boolean flag) -> node.put(key, flag);
            case MetadataValue.Real(double real) -> {
                if (Double.isFinite(real)) {
                    node.put(key, real);
                }
            }
            case MetadataValue.Many(var elements) -> {
                var array = new ObjectMapper().createArrayNode();
                for (MetadataValue element : elements) {
                    var one = new ObjectMapper().createObjectNode();
                    put(one, key, element);
                    one.forEach(array::add);
                }
                if (array.size() == elements.size()) {
                    node.set(key, array);
                }
            }
        }
    }
}
