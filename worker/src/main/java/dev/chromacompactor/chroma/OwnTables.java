package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.FailureException;
import java.util.List;

/**
 * The tables that we keep beside Chroma's in {@code chroma.sqlite3}; Chroma leaves them alone.
 *
 * <p>Almost every record was last written by one delta as a whole, so one stamp per record and the exceptions apart:
 *
 * <pre>
 * compactor_meta        key, value: format
 * compactor_stamp       ref, millis, position, key: the stamps, numbered from 1; ref 0 stands for "older than any"
 * compactor_record      embedding (embeddings.id), ref: stamp of its vector and of every key without a row of its own;
 *                       no row: ref 0
 * compactor_register    collection (name), id, kind, key, removed, ref:
 *                       kind 0: its delete, also of ids that are not there; kind 1: a metadata key whose stamp differs
 *                       from the record's, or that was removed
 * compactor_collection  name, ref: which input the definition came from (intermediates only)
 * compactor_seed        ref, definition: the empty database of the first input, see {@link Seed} (intermediates only)
 * </pre>
 */
final class OwnTables {
    private static final String FORMAT = "1";
    private static final List<String> DEFINITIONS = List.of(
            "CREATE TABLE compactor_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE compactor_stamp (ref INTEGER PRIMARY KEY, millis INTEGER NOT NULL, position INTEGER NOT NULL,"
                    + " key TEXT NOT NULL, UNIQUE (millis, position, key))",
            "CREATE TABLE compactor_record (embedding INTEGER PRIMARY KEY, ref INTEGER NOT NULL)",
            "CREATE TABLE compactor_register (collection TEXT NOT NULL, id TEXT NOT NULL, kind INTEGER NOT NULL,"
                    + " key TEXT NOT NULL, removed INTEGER NOT NULL, ref INTEGER NOT NULL,"
                    + " PRIMARY KEY (collection, id, kind, key)) WITHOUT ROWID",
            "CREATE TABLE compactor_collection (name TEXT PRIMARY KEY, ref INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE compactor_seed (ref INTEGER PRIMARY KEY, definition BLOB NOT NULL)");
    static final int DELETE = 0;
    static final int KEY = 1;

    private OwnTables() {}

    static void create(FoldDatabase database) {
        DEFINITIONS.forEach(database::update);
        database.update("INSERT INTO compactor_meta VALUES ('format', ?)", FORMAT);
    }

    static void drop(FoldDatabase database) {
        for (String table : database.list(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'compactor\\_%' ESCAPE '\\'",
                row -> row.getString(1))) {
            database.update("DROP TABLE \"" + table + '"');
        }
    }

    /** Refuses a file that we did not write, or that a later build wrote in another way. */
    static void require(FoldDatabase database) {
        if (!database.hasTable("compactor_meta")) {
            throw FailureException.input(
                    "compactor-tables-invalid", "read " + database.file() + ": it has no table compactor_meta");
        }
        var format = database.first("SELECT value FROM compactor_meta WHERE key = 'format'", row -> row.getString(1))
                .orElse("none");
        if (!format.equals(FORMAT)) {
            throw FailureException.input(
                    "compactor-tables-invalid",
                    "read " + database.file() + ": format " + format + " of compactor_meta, known is " + FORMAT);
        }
    }

    /** What only an intermediate needs. */
    static void settle(FoldDatabase snapshot) {
        snapshot.update("DELETE FROM compactor_collection");
        snapshot.update("DELETE FROM compactor_seed");
    }

    /**
     * Forgets deletes and removed keys from before {@code horizon}, and tells apart no longer what was written before it.
     * Whoever applies inputs afterwards must refuse those from before the horizon, else what was deleted comes back.
     */
    static void forget(FoldDatabase database, long horizon) {
        var old = "ref IN (SELECT ref FROM compactor_stamp WHERE millis < ?)";
        database.update(
                "DELETE FROM compactor_register WHERE (kind = " + DELETE + " OR removed = 1) AND (ref = 0 OR " + old
                        + ")",
                horizon);
        database.update("UPDATE compactor_register SET ref = 0 WHERE " + old, horizon);
        database.update("DELETE FROM compactor_record WHERE " + old, horizon);
        // An old key of an old record has nothing that sets it apart.
        database.update("""
                DELETE FROM compactor_register WHERE ref = 0 AND NOT EXISTS (
                  SELECT 1 FROM collections c JOIN segments s ON s.collection = c.id AND s.scope = 'METADATA'
                  JOIN embeddings e ON e.segment_id = s.id AND e.embedding_id = compactor_register.id
                  JOIN compactor_record r ON r.embedding = e.id
                  WHERE c.name = compactor_register.collection)""");
        database.update("DELETE FROM compactor_stamp WHERE ref NOT IN"
                + " (SELECT ref FROM compactor_record UNION SELECT ref FROM compactor_register)");
    }
}
