package dev.chromacompactor.chroma;

import static dev.chromacompactor.chroma.Damage.alter;
import static dev.chromacompactor.chroma.Damage.cut;
import static dev.chromacompactor.chroma.Damage.index;
import static dev.chromacompactor.chroma.Damage.page;
import static dev.chromacompactor.chroma.Damage.remove;
import static dev.chromacompactor.chroma.Damage.sql;
import static dev.chromacompactor.chroma.Damage.sqlite;
import static dev.chromacompactor.chroma.Damage.write;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A good fixture, damaged in one way each: refused with the reason that names the damage, and left as it was. */
class BrokenInputTest {
    private static final String SMALL = "1.5.9/small_wal";
    private static final String TYPES = "1.5.9/all_types";
    private static final String PERSISTED = "1.5.9/persisted";
    private static final String OLD = "0.6.3/persisted";

    /** Bytes of a node of {@code persisted}: 32 dimensions, M = 16. */
    private static final int NODE = 4 + 4 * 32 + 4 * 32 + 8;

    private static final int VECTOR = 4 + 4 * 32;
    private static final int LABEL = VECTOR + 4 * 32;

    /**
     * @param fixture version and name of the good directory
     * @param says what the message must contain
     */
    record Broken(String what, String fixture, Damage damage, String reason, String says) {
        @Override
        public String toString() {
            return reason + ": " + what + " (" + fixture + ")";
        }
    }

    @TempDir
    Path scratch;

    @TempDir
    Path results;

    @ParameterizedTest
    @MethodSource({"files", "pages", "transactions", "schemas", "references", "configurations", "walRows", "positions"})
    @MethodSource({"indexFiles", "indexHeaders", "indexLinks", "indexIds"})
    void refused_with_its_reason_and_left_as_it_was(Broken broken) throws Exception {
        String[] fixture = broken.fixture().split("/", 2);
        Path directory = ChromaFixtures.unpack(fixture[0], fixture[1], scratch.resolve("db"));
        broken.damage().to(directory);
        Map<Path, ByteBuffer> before = contents(scratch);

        var refusal = catchThrowableOfType(
                FailureException.class, () -> ChromaDatabase.open(directory).close());

        assertThat(refusal).isNotNull();
        assertThat(refusal.failure().reason()).as(refusal.getMessage()).isEqualTo(broken.reason());
        assertThat(refusal.failure().blame()).isEqualTo(Blame.INPUT);
        assertThat(refusal.getMessage()).contains(broken.says());
        assertThat(contents(scratch)).isEqualTo(before);
        assertThatThrownBy(() -> fold(directory)).as("while it is folded").hasMessage(refusal.getMessage());
        assertThat(contents(scratch)).isEqualTo(before);
        assertThat(contents(results)).containsOnlyKeys(results);
    }

    /** Without a check of its own first. */
    private void fold(Path directory) {
        ChromaDatabase.checkTables(directory);
        try (var fold = Fold.fresh(results);
                var deltas = fold.reading(List.of(new ReadAhead.Source(directory, null)), 1);
                var delta = deltas.next()) {
            fold.apply(delta, new Stamp(1, 1, "delta"), null);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_base_without_our_tables_is_refused_and_not_left_open() throws Exception {
        Path directory = ChromaFixtures.unpack("1.5.9", "small_wal", scratch.resolve("db"));

        var refusal = catchThrowableOfType(
                FailureException.class, () -> Fold.onto(directory, true, null).close());

        assertThat(refusal.failure().reason()).isEqualTo("compactor-tables-invalid");
        assertThat(OpenFiles.of(List.of(directory.resolve("chroma.sqlite3")))).isEmpty();
    }

    @Test
    void there_are_enough_of_them_and_no_two_alike() {
        Set<String> names = new HashSet<>();
        all().forEach(broken ->
                assertThat(names.add(broken.toString())).as(broken.toString()).isTrue());
        assertThat(names).hasSizeGreaterThanOrEqualTo(60);
    }

    private static Stream<Broken> all() {
        return Stream.of(
                        files(),
                        pages(),
                        transactions(),
                        schemas(),
                        references(),
                        configurations(),
                        walRows(),
                        positions(),
                        indexFiles(),
                        indexHeaders(),
                        indexLinks(),
                        indexIds())
                .flatMap(cases -> cases);
    }

    static Stream<Broken> files() {
        return Stream.of(
                new Broken("nothing at all", SMALL, Damage::removeAll, "sqlite-missing", "chroma.sqlite3"),
                new Broken("a file for a directory", SMALL, Damage::intoFile, "sqlite-missing", "db"),
                new Broken("only the index", PERSISTED, remove(sqlite()), "sqlite-missing", "chroma.sqlite3"),
                corrupt("an empty file", write(sqlite(), new byte[0])),
                corrupt("a piece of a header", cut(sqlite(), 50)),
                corrupt("a header alone", cut(sqlite(), 100)),
                corrupt("a text", write(sqlite(), "not a database\n".repeat(20).getBytes(US_ASCII))),
                corrupt("a header of zeros", alter(sqlite(), 0, new byte[100])),
                corrupt("one letter of the mark is wrong", alter(sqlite(), 3, 'x')));
    }

    static Stream<Broken> pages() {
        return Stream.of(
                corrupt("one page", cut(sqlite(), 4096)),
                corrupt("two pages", cut(sqlite(), 8192)),
                corrupt("half of the file", directory -> Damage.cutTo(directory, 0.5)),
                corrupt("all but a page", directory -> Damage.cutBy(directory, 4096)),
                corrupt("all but half a page", directory -> Damage.cutBy(directory, 2048)),
                corrupt("an impossible page size", alter(sqlite(), 16, 3, 3)),
                corrupt("a free page that is none", alter(sqlite(), 32, 0, 0, 0, 3, 0, 0, 0, 1)),
                corrupt("page 1 begins with zeros", alter(sqlite(), 100, new byte[8])),
                corrupt("the root of embeddings is empty", page("embeddings", 0, new byte[4096])),
                corrupt("the root of the WAL is of no kind", page("embeddings_queue", 0, new byte[] {0x3f})),
                corrupt("a cell of the metadata lies outside", page("embedding_metadata", 12, new byte[] {(byte) 0xff
                })),
                corrupt("a child page beyond the end", page("embedding_metadata", 8, new byte[] {0x7f, 0, 0, 0})),
                corrupt("too many cells", page("embeddings", 3, new byte[] {0x7f, 0x7f})),
                corrupt(
                        "a table that cannot be parsed",
                        sql(
                                "PRAGMA writable_schema = ON",
                                "UPDATE sqlite_master SET sql = 'CREATE TABLE tenants (' WHERE name = 'tenants'")),
                corrupt(
                        "a record without an id",
                        sql(
                                "PRAGMA writable_schema = ON",
                                "UPDATE sqlite_master SET sql = replace(sql, 'segment_id TEXT NOT NULL', 'segment_id TEXT')"
                                        + " WHERE name = 'embeddings'",
                                "PRAGMA writable_schema = RESET",
                                "UPDATE embeddings SET segment_id = NULL WHERE id = 5",
                                "PRAGMA writable_schema = ON",
                                "UPDATE sqlite_master SET sql = replace(sql, 'segment_id TEXT', 'segment_id TEXT NOT NULL')"
                                        + " WHERE name = 'embeddings'")),
                corrupt(
                        "the full text index lost its pages",
                        sql("DELETE FROM embedding_fulltext_search_data WHERE id > 10")));
    }

    private static Broken corrupt(String what, Damage damage) {
        return new Broken(what, SMALL, damage, "sqlite-corrupt", "chroma.sqlite3");
    }

    static Stream<Broken> transactions() {
        String reason = "sqlite-open-transaction";
        return Stream.of(
                new Broken("a journal in use", SMALL, Damage::copiedInTransaction, reason, "-journal"),
                new Broken("a write-ahead log in use", SMALL, Damage::copiedInWriteAheadMode, reason, "-wal"),
                new Broken("some -wal", OLD, write(Path.of("chroma.sqlite3-wal"), new byte[32]), reason, "-wal"));
    }

    static Stream<Broken> schemas() {
        return Stream.of(
                new Broken("sysdb 11", SMALL, migration("sysdb", 11), "schema-too-new", "sysdb migration 11"),
                new Broken("metadb 7", SMALL, migration("metadb", 7), "schema-too-new", "metadb migration 7"),
                new Broken(
                        "queue 3",
                        OLD,
                        migration("embeddings_queue", 3),
                        "schema-too-new",
                        "embeddings_queue migration 3"),
                new Broken("sysdb 4", OLD, level("sysdb", 4), "schema-too-old", "sysdb migration 4"),
                new Broken("metadb 2", OLD, level("metadb", 2), "schema-too-old", "metadb migration 2"),
                unknown("no migration of the queue", level("embeddings_queue", 0)),
                unknown("no migrations", sql("DROP TABLE migrations")),
                unknown("no WAL", sql("DROP TABLE embeddings_queue")),
                unknown("no positions", sql("DROP TABLE max_seq_id")),
                unknown("no full text", sql("DROP TABLE embedding_fulltext_search")),
                unknown("no lists", sql("DROP TABLE embedding_metadata_array")),
                unknown("no tables", Damage::databaseOfSomethingElse),
                unknown("a column is missing", sql("ALTER TABLE collections RENAME COLUMN dimension TO dim")),
                unknown("a WAL column is missing", sql("ALTER TABLE embeddings_queue RENAME COLUMN encoding TO enc")),
                unknown("a position is a text", sql("UPDATE max_seq_id SET seq_id = 'sixty'")),
                unknown(
                        "a record's position is too long",
                        sql("UPDATE embeddings SET seq_id = x'010203040506070809'")));
    }

    private static Broken unknown(String what, Damage damage) {
        return new Broken(what, SMALL, damage, "schema-unknown", "");
    }

    private static Damage migration(String dir, int version) {
        return sql("INSERT INTO migrations VALUES ('" + dir + "', " + version + ", 'new.sql', '', '')");
    }

    private static Damage level(String dir, int version) {
        return sql("DELETE FROM migrations WHERE dir = '" + dir + "' AND version > " + version);
    }

    static Stream<Broken> references() {
        String w5 = "IMAGE#6f1c7c1e-2b9d-4a7e-9a52-0d6b4b1f7e10#RECEIPT#00001#LINE#00001#WORD#00005";
        return Stream.of(
                orphan(
                        "metadata of no record",
                        sql("INSERT INTO embedding_metadata (id, key) VALUES (999, 'lost')"),
                        "lost"),
                orphan(
                        "a list of no record",
                        sql("INSERT INTO embedding_metadata_array (id, key) VALUES (999, 'lost')"),
                        "lost"),
                orphan("a record is gone", sql("DELETE FROM embeddings WHERE id = 5"), "5"),
                orphan("a record of no segment", sql("UPDATE embeddings SET segment_id = 'gone' WHERE id = 5"), w5),
                orphan("segments of no collection", sql("DELETE FROM collections"), "segment"),
                orphan("a collection of no database", sql("DELETE FROM databases"), "words"),
                orphan("no vector segment", sql("DELETE FROM segments WHERE scope = 'VECTOR'"), "0 VECTOR"),
                orphan("no metadata segment", sql("DELETE FROM segments WHERE scope = 'METADATA'"), "0 METADATA"),
                orphan(
                        "two vector segments",
                        sql(
                                "INSERT INTO segments SELECT 'second', type, scope, collection FROM segments WHERE scope = 'VECTOR'"),
                        "2 VECTOR"),
                new Broken(
                        "a name twice",
                        SMALL,
                        sql(
                                "INSERT INTO databases VALUES ('other', 'other', 'default_tenant')",
                                "INSERT INTO collections (id, name, database_id) VALUES ('twin', 'words', 'other')",
                                "INSERT INTO segments SELECT 'twin' || scope, type, scope, 'twin' FROM segments"),
                        "collection-ambiguous",
                        "words"));
    }

    private static Broken orphan(String what, Damage damage, String says) {
        return new Broken(what, SMALL, damage, "foreign-key-violation", says);
    }

    static Stream<Broken> configurations() {
        return Stream.of(
                new Broken(
                        "a segment of another kind",
                        SMALL,
                        sql("UPDATE segments SET type = 'urn:chroma:segment/vector/spann' WHERE scope = 'VECTOR'"),
                        "segment-unknown",
                        "spann"),
                new Broken(
                        "a space of the old kind",
                        TYPES,
                        sql("UPDATE collection_metadata SET str_value = 'hamming' WHERE key = 'hnsw:space'"),
                        "space-unknown",
                        "hamming"),
                new Broken(
                        "a space in the schema",
                        SMALL,
                        sql("UPDATE collections SET schema_str = replace(schema_str, '\"l2\"', '\"hamming\"')"),
                        "space-unknown",
                        "hamming"),
                new Broken(
                        "a space in the configuration",
                        OLD,
                        sql("UPDATE collections SET config_json_str = replace(config_json_str, '\"l2\"', '\"l3\"')"),
                        "space-unknown",
                        "l3"),
                new Broken(
                        "half a schema",
                        SMALL,
                        sql("UPDATE collections SET schema_str = substr(schema_str, 1, 100)"),
                        "configuration-invalid",
                        "schema_str"),
                new Broken(
                        "half a configuration",
                        OLD,
                        sql("UPDATE collections SET config_json_str = '{'"),
                        "configuration-invalid",
                        "config_json_str"));
    }

    static Stream<Broken> walRows() {
        return Stream.of(
                row("operation 7", "operation = 7", "wal-unknown-operation", "operation 7"),
                row("operation -1", "operation = -1", "wal-unknown-operation", "operation -1"),
                row("another encoding", "encoding = 'INT32'", "encoding-unknown", "INT32"),
                row("no encoding", "encoding = NULL", "encoding-unknown", "null"),
                row("a short vector", "vector = substr(vector, 1, 124)", "dimension-mismatch", "31 dimensions"),
                row("a long vector", "vector = vector || x'00000000'", "dimension-mismatch", "instead of 32"),
                row("a torn vector", "vector = substr(vector, 1, 127)", "dimension-mismatch", "127 bytes"),
                row("an empty vector", "vector = x''", "dimension-mismatch", "0 dimensions"),
                row("NaN", "vector = substr(vector, 1, 124) || x'0000c07f'", "vector-not-finite", "00008"),
                row("infinity", "vector = x'0000807f' || substr(vector, 5)", "vector-not-finite", "Infinity"),
                row("no vector", "vector = NULL", "vector-missing", "row 8"),
                row("half a JSON", "metadata = substr(metadata, 1, 9)", "wal-json-invalid", "row 8"),
                row("JSON of another kind", "metadata = '[1]'", "wal-json-invalid", "no object"),
                row("no JSON", "metadata = 'text'", "wal-json-invalid", "row 8"),
                row(
                        "lists in lists without end",
                        "metadata = '{\"a\":' || printf('%.*c', 1100, '[')",
                        "wal-json-invalid",
                        "nesting depth"),
                row("two JSONs", "metadata = metadata || metadata", "wal-json-invalid", "follows"),
                row("an object in it", "metadata = '{\"a\":{\"b\":1}}'", "metadata-type-unknown", "field a"),
                row("a list of two kinds", "metadata = '{\"a\":[1,\"b\"]}'", "metadata-type-unknown", "list a"),
                row("a list of lists", "metadata = '{\"a\":[[1]]}'", "metadata-type-unknown", "list a"),
                new Broken(
                        "another dimension",
                        SMALL,
                        sql("UPDATE collections SET dimension = 33"),
                        "dimension-mismatch",
                        "instead of 33"),
                new Broken(
                        "two dimensions and none declared",
                        SMALL,
                        sql(
                                "UPDATE collections SET dimension = NULL",
                                "UPDATE embeddings_queue SET vector = substr(vector, 1, 4) WHERE seq_id = 60"),
                        "dimension-mismatch",
                        "1 dimensions"),
                new Broken(
                        "a dimension the index has not",
                        PERSISTED,
                        sql("UPDATE collections SET dimension = 64"),
                        "dimension-mismatch",
                        "the index has 32"));
    }

    private static Broken row(String what, String set, String reason, String says) {
        return new Broken(what, SMALL, sql("UPDATE embeddings_queue SET " + set + " WHERE seq_id = 8"), reason, says);
    }

    static Stream<Broken> positions() {
        return Stream.of(
                gap("the last row is gone", PERSISTED, "DELETE FROM embeddings_queue WHERE seq_id = 1250", "row 1250"),
                gap("a row is gone", PERSISTED, "DELETE FROM embeddings_queue WHERE seq_id = 1100", "row 1100"),
                gap("the first row is gone", OLD, "DELETE FROM embeddings_queue WHERE seq_id = 1001", "row 1001"),
                gap(
                        "purged for a later index",
                        PERSISTED,
                        "DELETE FROM embeddings_queue WHERE seq_id < 1200",
                        "row 1001"),
                gap("no WAL", SMALL, "DELETE FROM embeddings_queue", "row 60"),
                gap(
                        "the WAL of another collection",
                        SMALL,
                        "UPDATE embeddings_queue SET topic = 'persistent://a/b/c'",
                        "row"),
                gap(
                        "the index is older than its position",
                        PERSISTED,
                        "UPDATE max_seq_id SET seq_id = 900 WHERE seq_id = 1000",
                        "ends at position 900"),
                gap("the index has no position", OLD, "DELETE FROM max_seq_id WHERE seq_id = x'00000000000003e8'", "0"),
                disagree(
                        "the index ends before its position",
                        PERSISTED,
                        "w01000",
                        "UPDATE max_seq_id SET seq_id = 1250",
                        "DELETE FROM embeddings_queue WHERE seq_id < 1250"),
                disagree(
                        "a record is not in the tables",
                        PERSISTED,
                        "w00100",
                        "DELETE FROM embedding_metadata WHERE id = 101",
                        "DELETE FROM embeddings WHERE id = 101"),
                disagree(
                        "a record of the WAL is not in the tables",
                        OLD,
                        "w01100",
                        "DELETE FROM embedding_metadata WHERE id = 1101",
                        "DELETE FROM embeddings WHERE id = 1101"),
                disagree(
                        "a record is only in the tables",
                        PERSISTED,
                        "extra",
                        "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id)"
                                + " SELECT 5000, id, 'extra', 1000 FROM segments WHERE scope = 'METADATA'"),
                disagree(
                        "a delete is gone",
                        "1.5.9/two_collections",
                        "l3",
                        "DELETE FROM embeddings_queue WHERE seq_id = 181"),
                disagree(
                        "another id in the tables",
                        "0.6.3/churn",
                        "w00",
                        "UPDATE embeddings SET embedding_id = 'w00' WHERE embedding_id = 'w003'"));
    }

    private static Broken gap(String what, String fixture, String statement, String says) {
        return new Broken(what, fixture, sql(statement), "wal-gap", says);
    }

    private static Broken disagree(String what, String fixture, String id, String... statements) {
        return new Broken(what, fixture, sql(statements), "ids-disagree", "id " + id + " ");
    }

    static Stream<Broken> indexFiles() {
        return Stream.of(PERSISTED, OLD)
                .flatMap(fixture -> Stream.of(
                        new Broken("no folder", fixture, Damage::removeIndex, "index-missing", "position 1000"),
                        new Broken("an empty folder", fixture, Damage::emptyIndex, "index-missing", "position 1000"),
                        missing("index_metadata.pickle", fixture, "index-missing"),
                        missing("header.bin", fixture, "index-missing-file"),
                        missing("data_level0.bin", fixture, "index-missing-file"),
                        missing("length.bin", fixture, "index-missing-file"),
                        missing("link_lists.bin", fixture, "index-missing-file"),
                        torn("an empty header", fixture, cut(index("header.bin"), 0), "header.bin"),
                        torn("a short header", fixture, cut(index("header.bin"), 99), "header.bin"),
                        torn("no data", fixture, cut(index("data_level0.bin"), 0), "data_level0.bin"),
                        torn(
                                "half a node less",
                                fixture,
                                cut(index("data_level0.bin"), 999 * NODE + 100),
                                "data_level0.bin"),
                        torn("no lengths", fixture, cut(index("length.bin"), 0), "length.bin"),
                        torn("a length less", fixture, cut(index("length.bin"), 999 * 4), "length.bin"),
                        torn("no upper links", fixture, cut(index("link_lists.bin"), 0), "link_lists.bin"),
                        torn("half of the upper links", fixture, cut(index("link_lists.bin"), 2001), "link_lists.bin"),
                        new Broken(
                                "no pickle",
                                fixture,
                                cut(index("index_metadata.pickle"), 0),
                                "index-pickle-invalid",
                                "index_metadata.pickle"),
                        new Broken(
                                "half a pickle",
                                fixture,
                                cut(index("index_metadata.pickle"), 5000),
                                "index-pickle-invalid",
                                "index_metadata.pickle"),
                        new Broken(
                                "a pickle of something else",
                                fixture,
                                write(index("index_metadata.pickle"), new byte[] {(byte) 0x80, 3, '}', '.'}),
                                "index-pickle-invalid",
                                "index_metadata.pickle")));
    }

    private static Broken missing(String file, String fixture, String reason) {
        return new Broken("no " + file, fixture, remove(index(file)), reason, file);
    }

    private static Broken torn(String what, String fixture, Damage damage, String says) {
        return new Broken(what, fixture, damage, "index-torn", says);
    }

    static Stream<Broken> indexHeaders() {
        return Stream.of(
                header("another version", 0, 2),
                header("another offset of level 0", 4, 4),
                header("less room than nodes", 12, 999),
                header("a node more", 20, 1001),
                header("a node less", 20, 999),
                header("a longer node", 28, NODE + 4),
                header("the label elsewhere", 36, LABEL - 4),
                header("the vector elsewhere", 44, VECTOR + 4),
                header("too many levels", 52, 40),
                header("a level too few", 52, 0),
                header("an entry point outside", 56, 1000),
                header("another maxM", 60, 15),
                header("another maxM0", 68, 31),
                header("another M", 76, 8),
                header("another level factor", 88, 7));
    }

    private static Broken header(String what, int offset, int value) {
        return new Broken(what, PERSISTED, alter(index("header.bin"), offset, Damage.le32(value)), "index-torn", "");
    }

    static Stream<Broken> indexLinks() {
        Path data = index("data_level0.bin");
        return Stream.of(
                torn("a link outside", PERSISTED, alter(data, 7 * NODE + 4, Damage.le32(1000)), "node 7"),
                torn("a link to itself", PERSISTED, alter(data, 7 * NODE + 4, Damage.le32(7)), "node 7"),
                torn("a link twice", PERSISTED, directory -> Damage.repeatLink(directory, 7 * NODE), "node 7"),
                torn("too many links", PERSISTED, alter(data, 7 * NODE, 33, 0), "node 7"),
                torn(
                        "an upper link outside",
                        PERSISTED,
                        directory -> Damage.upperLink(directory, 5000),
                        "link_lists.bin"),
                torn("an upper link to a low node", PERSISTED, Damage::upperLinkToLowNode, "link_lists.bin"),
                torn("too many upper links", PERSISTED, directory -> Damage.upper(directory, 4, 17), "link_lists.bin"),
                torn(
                        "an odd size of upper links",
                        PERSISTED,
                        directory -> Damage.upper(directory, 0, 1801),
                        "link_lists.bin"),
                torn(
                        "a byte more of upper links",
                        PERSISTED,
                        directory -> Damage.append(directory, "link_lists.bin"),
                        ""),
                new Broken(
                        "NaN in the index",
                        PERSISTED,
                        alter(data, 7 * NODE + VECTOR, 0, 0, 0xc0, 0x7f),
                        "vector-not-finite",
                        "w0"),
                new Broken(
                        "infinity in the index",
                        OLD,
                        alter(data, 9 * NODE + VECTOR + 8, 0, 0, 0x80, 0x7f),
                        "vector-not-finite",
                        "w0"),
                new Broken(
                        "a length that is no number",
                        "1.5.9/churn_cosine",
                        Damage::lengthsOfNoNumber,
                        "vector-not-finite",
                        "w0"));
    }

    static Stream<Broken> indexIds() {
        Path data = index("data_level0.bin");
        Path pickle = index("index_metadata.pickle");
        return Stream.of(
                torn("a label twice", PERSISTED, directory -> Damage.copyLabel(directory, NODE, LABEL), "label"),
                torn("a label of nobody", PERSISTED, alter(data, 7 * NODE + LABEL, Damage.le32(4711)), "4711"),
                torn("a live node marked deleted", PERSISTED, alter(data, 7 * NODE + 2, 1), "node 7"),
                torn(
                        "the pickle of another index",
                        PERSISTED,
                        directory -> Damage.pickleOf(directory, "1.5.9", "churn"),
                        "label"),
                new Broken(
                        "an id has another name in the index",
                        PERSISTED,
                        directory -> Damage.rename(directory, pickle, "w00007", "x00007", 2),
                        "ids-disagree",
                        "00007"),
                new Broken(
                        "an id of the WAL is already in the index",
                        OLD,
                        directory -> Damage.rename(directory, pickle, "w00007", "y00007", 2),
                        "ids-disagree",
                        "00007"),
                new Broken(
                        "the two halves of the pickle disagree",
                        PERSISTED,
                        directory -> Damage.rename(directory, pickle, "w00007", "x00007", 1),
                        "index-pickle-invalid",
                        "00007"));
    }

    private static Map<Path, ByteBuffer> contents(Path directory) throws IOException {
        Map<Path, ByteBuffer> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                contents.put(file, ByteBuffer.wrap(Files.isDirectory(file) ? new byte[0] : Files.readAllBytes(file)));
            }
        }
        return contents;
    }
}
