package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withPrecision;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FoldTest {
    @TempDir
    static Path fixtures;

    @TempDir
    Path temp;

    private static Template old;
    private static Template young;
    private int folders;

    /** How a database of one version begins and what its collection "words" looks like. */
    record Template(SchemaLevel level, Seed seed, CollectionDefinition words) {
        static Template of(Path directory) {
            try (var chroma = ChromaDatabase.openTrusted(directory);
                    var tables = FoldDatabase.readOnly(directory.resolve(SqliteFile.NAME))) {
                var delta = new Delta.Files(chroma, tables);
                return new Template(
                        chroma.level(),
                        delta.seed(),
                        delta.definition(chroma.collections().getFirst()));
            }
        }

        Delta delta(History.Written written) {
            var template = this;
            return new Delta() {
                @Override
                public SchemaLevel level() {
                    return template.level;
                }

                @Override
                public Seed seed() {
                    return template.seed;
                }

                @Override
                public long bytes() {
                    return written.entries().values().stream()
                            .flatMap(List::stream)
                            .mapToLong(entry -> entry.toString().length())
                            .sum();
                }

                @Override
                public List<CollectionInfo> collections() {
                    return written.entries().keySet().stream()
                            .map(name -> definition(name).info())
                            .toList();
                }

                private CollectionDefinition definition(String name) {
                    var words = template.words.named(name);
                    var i = words.info();
                    return new CollectionDefinition(
                            new CollectionInfo(
                                    "c-" + name + written.stamp().key(),
                                    name,
                                    History.DIMENSION,
                                    i.space(),
                                    i.m(),
                                    i.efConstruction(),
                                    "v-" + name + written.stamp().key(),
                                    "m-" + name + written.stamp().key()),
                            words.config(),
                            words.schema(),
                            words.vectorType(),
                            words.metadataType(),
                            words.metadata(),
                            words.vectorMetadata());
                }

                @Override
                public CollectionDefinition definition(CollectionInfo collection) {
                    return definition(collection.name());
                }

                @Override
                public void entries(CollectionInfo collection, Consumer<Entry> each) {
                    written.of(collection.name()).forEach(each);
                }
            };
        }
    }

    @BeforeAll
    static void unpack() {
        old = Template.of(ChromaFixtures.unpack("0.6.3", "small_wal", fixtures.resolve("old")));
        young = Template.of(ChromaFixtures.unpack("1.5.9", "small_wal", fixtures.resolve("young")));
    }

    private Path folder() {
        try {
            return Files.createDirectory(temp.resolve("f" + folders++));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void intermediates_in_any_grouping_and_order_hold_the_same_records() {
        for (int seed = 0; seed < 60; seed++) {
            var random = new Random(seed);
            var history = new History(random, List.of("lines", "words"), true);
            var intermediates = new ArrayList<Path>();
            var rest = new ArrayList<>(history.deltas);
            rest.addAll(rest.subList(0, random.nextInt(rest.size() + 1)));
            Collections.shuffle(rest, random);
            while (!rest.isEmpty()) {
                var chunk = rest.subList(0, 1 + random.nextInt(rest.size()));
                var dir = folder();
                try (var fold = Fold.intermediate(dir)) {
                    for (var delta : chunk) {
                        fold.apply(template(delta).delta(delta), delta.stamp(), null);
                    }
                    var summary = fold.finishIntermediate();
                    assertThat(summary.ledger().growth()).isEqualTo(summary.records());
                    assertThat(digest(dir)).as("seed %d", seed).isEqualTo(summary.digest());
                }
                intermediates.add(dir);
                chunk.clear();
            }
            intermediates.addAll(intermediates.subList(0, random.nextInt(intermediates.size() + 1)));
            Collections.shuffle(intermediates, random);
            var merged = folder();
            try (var fold = Fold.intermediate(merged)) {
                intermediates.forEach(dir -> fold.applyIntermediate(dir, stamp -> false));
                assertThat(fold.finishIntermediate().digest())
                        .as("seed %d", seed)
                        .isEqualTo(history.digest());
            }
        }
    }

    @Test
    void snapshots_published_one_after_the_other_hold_the_same_records_however_late_an_input_comes() {
        for (int seed = 0; seed < 40; seed++) {
            var random = new Random(seed);
            var history = new History(random, List.of("lines", "words"), false);
            var rest = new ArrayList<>(history.deltas);
            rest.addAll(rest.subList(0, random.nextInt(rest.size() + 1)));
            Collections.shuffle(rest, random);
            Path base = null;
            String proven = null;
            long records = 0;
            while (!rest.isEmpty()) {
                var chunk = rest.subList(0, 1 + random.nextInt(rest.size()));
                var dir = base == null ? folder() : Folders.copy(base, folder());
                String known = random.nextInt(4) == 0 ? null : proven;
                try (var fold = base == null ? Fold.fresh(dir) : Fold.onto(dir, true, known)) {
                    for (var delta : chunk) {
                        if (random.nextBoolean()) {
                            fold.apply(template(delta).delta(delta), delta.stamp(), null);
                        } else {
                            fold.applyIntermediate(intermediate(delta), stamp -> false);
                        }
                    }
                    var summary = fold.finishSnapshot(Long.MIN_VALUE);
                    records += summary.ledger().growth();
                    proven = summary.digest();
                    assertThat(summary.records()).isEqualTo(records);
                    assertThat(digest(dir)).isEqualTo(summary.digest());
                    assertFilesAreSound(dir);
                    if (chunk.size() == rest.size()) {
                        assertThat(summary.digest()).as("seed %d", seed).isEqualTo(history.digest());
                    }
                }
                chunk.clear();
                base = dir;
            }
        }
    }

    private Path intermediate(History.Written delta) {
        var dir = folder();
        try (var fold = Fold.intermediate(dir)) {
            fold.apply(template(delta).delta(delta), delta.stamp(), null);
            fold.finishIntermediate();
        }
        return dir;
    }

    private static void assertFilesAreSound(Path dir) {
        assertThat(dir.resolve(SqliteFile.NAME + "-journal")).doesNotExist();
        assertThat(dir.resolve("vectors.scratch")).doesNotExist();
        try (var database = FoldDatabase.writable(dir.resolve(SqliteFile.NAME))) {
            assertThat(database.list("PRAGMA integrity_check", row -> row.getString(1)))
                    .containsExactly("ok");
            database.update(
                    "INSERT INTO embedding_fulltext_search (embedding_fulltext_search) VALUES ('integrity-check')");
            assertThat(database.number("SELECT count(*) FROM embeddings_queue")).isEqualTo(1);
            assertThat(database.number("SELECT count(*) FROM embedding_metadata WHERE key = 'chroma:document'"))
                    .isEqualTo(database.number(
                            "SELECT count(*) FROM embedding_fulltext_search WHERE string_value IS NOT NULL"));
        }
    }

    @Test
    void a_late_replay_fills_gaps_and_overwrites_nothing_newer() {
        var base =
                publish(null, 0, written(10, live("x", "k", "new"), live("gone", "k", "v")), written(20, gone("gone")));
        var late = publish(
                base,
                0,
                written(5, live("x", "k", "old", "only-old", "v"), live("gone", "k", "v"), live("y", "k", "y")));

        assertThat(metadata(late)).isEqualTo(Map.of("x", Map.of("k", "new", "only-old", "v"), "y", Map.of("k", "y")));
    }

    @Test
    void a_delete_is_remembered_until_the_horizon_and_inputs_from_before_it_must_be_refused() {
        var old = intermediate(written(5, live("x", "k", "old")));
        var remembers = publish(null, 20, written(10, live("x", "k", "v")), written(20, gone("x")));
        var forgets = publish(null, 21, written(10, live("x", "k", "v")), written(20, gone("x")));

        assertThat(metadata(publish(remembers, 20, old, stamp -> false))).isEmpty();
        assertThat(metadata(publish(forgets, 21, old, stamp -> stamp.millis() < 21)))
                .isEmpty();
        // Either half alone is a mistake: this is what it would do.
        assertThat(metadata(publish(forgets, 21, old, stamp -> false))).containsOnlyKeys("x");
    }

    @Test
    void what_is_older_than_the_horizon_is_counted_as_refused() {
        var mixed = folder();
        try (var fold = Fold.intermediate(mixed)) {
            apply(fold, written(5, live("x", "k", "old"), live("y", "k", "old")));
            apply(fold, written(30, live("y", "k", "new")));
            fold.finishIntermediate();
        }
        try (var fold = Fold.fresh(folder())) {
            var applied = fold.applyIntermediate(mixed, stamp -> stamp.millis() < 20);
            assertThat(applied.ledger()).isEqualTo(new Ledger(2, 1, 0, 0, 0, 0, 1));
            assertThat(fold.finishSnapshot(20).records()).isEqualTo(1);
        }
    }

    @Test
    void a_key_from_before_the_horizon_stays_older_than_its_record() {
        var base = publish(null, 15, written(10, live("x", "a", "10", "b", "10")), written(30, live("x", "b", "30")));
        var late = publish(base, 15, written(20, live("x", "a", "20", "b", "20")));

        assertThat(metadata(late)).isEqualTo(Map.of("x", Map.of("a", "20", "b", "30")));
    }

    @Test
    void a_removed_key_is_remembered_too() {
        var removes = new Entry("x", new Entry.Live(new float[3], null, Map.of()), Set.of("k"), false);
        var base = publish(null, 0, written(20, removes));

        assertThat(metadata(publish(base, 0, written(10, live("x", "k", "old", "other", "v")))))
                .isEqualTo(Map.of("x", Map.of("other", "v")));
    }

    @Test
    void tables_of_ours_in_a_foreign_base_are_not_believed() {
        var base = publish(null, 0, written(30, live("x", "k", "base")));
        var foreign = Folders.copy(base, folder());
        try (var fold = Fold.onto(foreign, false, null)) {
            apply(fold, written(10, live("x", "k", "delta")));
            fold.finishSnapshot(0);
        }
        assertThat(metadata(foreign)).isEqualTo(Map.of("x", Map.of("k", "delta")));
    }

    /** 0.6 leaves a row without a value for NaN. */
    @Test
    void a_key_may_be_set_whose_row_in_the_base_holds_nothing() {
        var base = publish(null, 0, written(30, live("x", "k", "base")));
        try (var tables = FoldDatabase.writable(base.resolve(SqliteFile.NAME))) {
            tables.update("INSERT INTO embedding_metadata (id, key) SELECT id, 'nothing' FROM embeddings");
            tables.commit();
        }
        try (var fold = Fold.onto(base, false, null)) {
            apply(fold, written(40, live("x", "nothing", "delta")));
            fold.finishSnapshot(0);
        }
        assertThat(metadata(base)).isEqualTo(Map.of("x", Map.of("k", "base", "nothing", "delta")));
    }

    @Test
    void the_wal_of_a_foreign_base_goes_into_its_index() {
        for (String version : ChromaFixtures.NAMES.keySet()) {
            for (String name : ChromaFixtures.NAMES.get(version)) {
                var dir = ChromaFixtures.unpack(version, name, folder());
                Map<String, Map<String, Object>> before = metadata(dir);
                var vectors = vectors(dir);
                try (var fold = Fold.onto(dir, false, null)) {
                    fold.finishSnapshot(0);
                }
                assertThat(metadata(dir)).as(version + " " + name).isEqualTo(before);
                assertClose(vectors(dir), vectors);
                assertFilesAreSound(dir);
            }
        }
    }

    @Test
    void a_collection_that_the_merge_does_not_touch_keeps_its_index_byte_for_byte() throws IOException {
        var dir = ChromaFixtures.unpack("1.5.9", "two_collections", folder());
        var lines = collection(dir, "lines").vectorSegment();
        try (var fold = Fold.onto(dir, false, null)) {
            fold.finishSnapshot(0);
        }
        var next = Folders.copy(dir, folder());
        try (var fold = Fold.onto(next, true, null);
                var delta = ChromaDatabase.open(ChromaFixtures.unpack("1.5.9", "two_collections", folder()))) {
            fold.apply(onlyWords(delta), new Stamp(1, 0, "d"), null);
            fold.finishSnapshot(0);
        }
        try (var files = Files.list(dir.resolve(lines))) {
            for (Path file : files.toList()) {
                assertThat(next.resolve(lines).resolve(file.getFileName())).hasSameBinaryContentAs(file);
            }
        }
    }

    private static Delta onlyWords(ChromaDatabase chroma) {
        var tables = FoldDatabase.readOnly(chroma.directory().resolve(SqliteFile.NAME));
        var all = new Delta.Files(chroma, tables);
        return new Delta() {
            @Override
            public SchemaLevel level() {
                return all.level();
            }

            @Override
            public Seed seed() {
                return all.seed();
            }

            @Override
            public long bytes() {
                return all.bytes();
            }

            @Override
            public List<CollectionInfo> collections() {
                return all.collections().stream()
                        .filter(info -> info.name().equals("words"))
                        .toList();
            }

            @Override
            public CollectionDefinition definition(CollectionInfo collection) {
                return all.definition(collection);
            }

            @Override
            public void entries(CollectionInfo collection, Consumer<Entry> each) {
                all.entries(collection, each);
                tables.close();
            }
        };
    }

    @Test
    void a_rename_moves_the_records_of_a_delta_with_one_collection_and_leaves_several_alone() {
        var dir = folder();
        try (var one = ChromaDatabase.open(ChromaFixtures.unpack("1.5.9", "small_wal", folder()));
                var several = ChromaDatabase.open(ChromaFixtures.unpack("1.5.9", "two_collections", folder()));
                var fold = Fold.fresh(dir)) {
            fold.apply(one, new Stamp(1, 0, "one"), "renamed");
            var applied = fold.apply(several, new Stamp(2, 0, "several"), "renamed");
            assertThat(applied.perCollection()).containsOnlyKeys("lines", "words");
            var summary = fold.finishSnapshot(0);
            assertThat(summary.collections())
                    .extracting(Summary.CollectionSummary::name)
                    .containsExactly("empty", "lines", "renamed", "words");
        }
    }

    @Test
    void the_indexes_of_values_are_those_of_the_inputs_however_late_they_are_made() {
        String large = "long".repeat(5_000_000);
        for (String value : List.of("short", large)) {
            var deltas = List.of(
                    written(2, live("x", "k", value)),
                    written(3, live("y", "k", value)),
                    written(1, live("z", "k", "v")));
            var chunk = folder();
            try (var fold = Fold.intermediate(chunk)) {
                deltas.forEach(delta -> fold.apply(young.delta(delta), delta.stamp(), null));
                fold.finishIntermediate();
            }
            var snapshot = folder();
            try (var fold = Fold.fresh(snapshot)) {
                fold.applyIntermediate(chunk, stamp -> false);
                fold.finishSnapshot(0);
            }
            assertThat(indexes(chunk))
                    .isEqualTo(indexes(fixtures.resolve("young")))
                    .hasSizeGreaterThan(3);
            assertThat(indexes(snapshot)).isEqualTo(indexes(chunk));
        }
    }

    private static List<String> indexes(Path directory) {
        try (var tables = FoldDatabase.readOnly(directory.resolve(SqliteFile.NAME))) {
            return tables.list(
                    "SELECT name || ': ' || sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
                            + " AND tbl_name NOT LIKE 'compactor%' ORDER BY name",
                    row -> row.getString(1));
        }
    }

    @Test
    void level_id_and_configuration_come_from_the_input_with_the_smallest_stamp_in_every_order() {
        var first = written(1, live("x", "k", "v"));
        var second = written(2, live("y", "k", "v"));
        for (boolean inOrder : List.of(true, false)) {
            var chunk = folder();
            try (var fold = Fold.intermediate(chunk)) {
                if (inOrder) {
                    fold.apply(old.delta(first), first.stamp(), null);
                    fold.apply(young.delta(second), second.stamp(), null);
                } else {
                    fold.apply(young.delta(second), second.stamp(), null);
                    fold.apply(old.delta(first), first.stamp(), null);
                }
                assertThat(fold.finishIntermediate().level()).isEqualTo(young.level());
            }
            var info = Fold.describe(chunk);
            assertThat(info.seedLevel()).isEqualTo(old.level());
            assertThat(info.first()).isEqualTo(first.stamp());
            assertThat(info.last()).isEqualTo(second.stamp());
            assertThat(info.inputs()).containsExactly("d1", "d2");
            var dir = folder();
            try (var fold = Fold.fresh(dir)) {
                fold.applyIntermediate(chunk, stamp -> false);
                assertThat(fold.finishSnapshot(0).level()).isEqualTo(old.level());
            }
            assertThat(collection(dir, "words").id()).isEqualTo("c-wordsd1");
            try (var tables = FoldDatabase.readOnly(dir.resolve(SqliteFile.NAME))) {
                var words = CollectionDefinition.read(tables, collection(dir, "words"));
                assertThat(words.config()).isEqualTo(old.words().config());
                assertThat(words.metadata()).isEqualTo(old.words().metadata());
            }
        }
    }

    @Test
    void two_collections_that_share_their_ids_both_get_in_and_the_earlier_one_keeps_them() {
        for (boolean inOrder : List.of(true, false)) {
            var dir = folder();
            var source = ChromaFixtures.unpack("1.5.9", "small_wal", folder());
            try (var delta = ChromaDatabase.open(source);
                    var fold = Fold.fresh(dir)) {
                var stamps = inOrder ? List.of(1L, 2L) : List.of(2L, 1L);
                for (long stamp : stamps) {
                    fold.apply(delta, new Stamp(stamp, 0, "d"), "name" + stamp);
                }
                assertThat(fold.finishSnapshot(0).records()).isEqualTo(120);
            }
            assertThat(collection(dir, "name1").id())
                    .isEqualTo(collection(source, "words").id());
            assertThat(collection(dir, "name2").id())
                    .isNotEqualTo(collection(dir, "name1").id());
            assertFilesAreSound(dir);
        }
    }

    @Test
    void a_list_value_is_refused_by_name_where_the_level_has_no_place_for_it() {
        var base = ChromaFixtures.unpack("0.6.3", "small_wal", folder());
        try (var lists = ChromaDatabase.open(ChromaFixtures.unpack("1.5.9", "all_types", folder()));
                var fold = Fold.onto(base, false, null)) {
            assertThatThrownBy(() -> fold.apply(lists, new Stamp(1, 0, "d"), "other"))
                    .isInstanceOfSatisfying(FailureException.class, e -> {
                        assertThat(e.failure().reason()).isEqualTo("schema-level-too-low");
                        assertThat(e).hasMessageContaining("list-").hasMessageContaining("metadb 4");
                    });
        }
    }

    @Test
    void another_dimension_or_space_is_refused_with_both_values() {
        for (String version : List.of("0.6.3", "1.5.9")) {
            var base = ChromaFixtures.unpack(version, "small_wal", folder());
            try (var dimension = ChromaDatabase.open(ChromaFixtures.unpack(version, "churn", folder()));
                    var space = ChromaDatabase.open(ChromaFixtures.unpack(version, "churn_cosine", folder()));
                    var fold = Fold.onto(base, false, null)) {
                assertThatThrownBy(() -> fold.apply(dimension, new Stamp(1, 0, "d"), null))
                        .hasMessageContaining("words")
                        .hasMessageContaining("dimension 32")
                        .hasMessageEndingWith("16");
                assertThatThrownBy(() -> fold.apply(space, new Stamp(1, 0, "d"), null))
                        .hasMessageContaining("words")
                        .hasMessageContaining("space L2")
                        .hasMessageEndingWith("COSINE");
            }
        }
    }

    @Test
    void a_fold_that_is_not_finished_leaves_nothing_behind() throws IOException {
        var dir = folder();
        try (var fold = Fold.fresh(dir)) {
            apply(fold, written(1, live("x", "k", "v")));
        }
        try (var files = Files.list(dir)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void no_row_of_the_wal_that_we_write_holds_bare_infinity_and_the_tables_keep_the_value() {
        var infinite =
                new Entry.Live(new float[3], null, Map.of("inf", new MetadataValue.Real(Double.NEGATIVE_INFINITY)));
        var dir = intermediate(written(1, new Entry("x", infinite, Set.of(), false)));
        try (var tables = FoldDatabase.readOnly(dir.resolve(SqliteFile.NAME))) {
            assertThat(tables.list("SELECT metadata FROM embeddings_queue", row -> row.getString(1)))
                    .containsExactly("{}");
        }
        assertThat(metadata(dir).toString()).contains("inf=Real[value=-Infinity]");
    }

    private static History.Written written(long millis, Entry... entries) {
        return new History.Written(
                new Stamp(millis, 0, "d" + millis), new TreeMap<>(Map.of("words", List.of(entries))));
    }

    private static Entry live(String id, String... keysAndValues) {
        var metadata = new TreeMap<String, MetadataValue>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            metadata.put(keysAndValues[i], new MetadataValue.Text(keysAndValues[i + 1]));
        }
        return new Entry(id, new Entry.Live(new float[] {1, 2, 3}, null, metadata), Set.of(), false);
    }

    private static Entry gone(String id) {
        return new Entry(id, null, Set.of(), true);
    }

    private static void apply(Fold fold, History.Written delta) {
        fold.apply(young.delta(delta), delta.stamp(), null);
    }

    private Path publish(@Nullable Path base, long horizon, History.Written... deltas) {
        var dir = base == null ? folder() : Folders.copy(base, folder());
        try (var fold = base == null ? Fold.fresh(dir) : Fold.onto(dir, true, null)) {
            for (var delta : deltas) {
                apply(fold, delta);
            }
            fold.finishSnapshot(horizon);
        }
        return dir;
    }

    private Path publish(Path base, long horizon, Path intermediate, Predicate<Stamp> refused) {
        var dir = Folders.copy(base, folder());
        try (var fold = Fold.onto(dir, true, null)) {
            fold.applyIntermediate(intermediate, refused);
            fold.finishSnapshot(horizon);
        }
        return dir;
    }

    private static CollectionInfo collection(Path dir, String name) {
        try (var database = ChromaDatabase.openTrusted(dir)) {
            return database.collections().stream()
                    .filter(info -> info.name().equals(name))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Metadata and document by id, texts as they are. */
    private static Map<String, Map<String, Object>> metadata(Path dir) {
        var all = new TreeMap<String, Map<String, Object>>();
        each(dir, (id, live) -> {
            var values = new TreeMap<String, Object>();
            live.metadata()
                    .forEach((key, value) -> values.put(
                            key, value instanceof MetadataValue.Text(String text) ? text : value.toString()));
            if (live.document() != null) {
                values.put(Registers.DOCUMENT, live.document());
            }
            all.put(id, values);
        });
        return all;
    }

    private static Map<String, float[]> vectors(Path dir) {
        var all = new TreeMap<String, float[]>();
        each(dir, (id, live) -> all.put(id, live.vector()));
        return all;
    }

    /** Cosine vectors lose their last bits when they are taken apart into direction and length. */
    private static void assertClose(Map<String, float[]> actual, Map<String, float[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        expected.forEach((id, vector) -> assertThat(actual.get(id)).as(id).contains(vector, withPrecision(1e-6f)));
    }

    private static void each(Path dir, BiConsumer<String, Entry.Live> each) {
        try (var database = ChromaDatabase.open(dir)) {
            for (CollectionInfo info : database.collections()) {
                database.entries(info, entry -> {
                    if (entry.live() != null) {
                        each.accept(entry.id(), entry.live());
                    }
                });
            }
        }
    }

    /** Some deltas are of one version, some of another. */
    private static Template template(History.Written delta) {
        var lists = delta.entries().values().stream()
                .flatMap(List::stream)
                .anyMatch(entry -> entry.live() != null
                        && entry.live().metadata().values().stream().anyMatch(MetadataValue.Many.class::isInstance));
        return lists || delta.stamp().hashCode() % 2 == 0 ? young : old;
    }

    private static String digest(Path directory) {
        try (var database = ChromaDatabase.open(directory)) {
            return RecordDigest.of(database);
        }
    }
}
