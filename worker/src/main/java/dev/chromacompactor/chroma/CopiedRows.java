package dev.chromacompactor.chroma;

import java.util.Map;

/**
 * Copies records out of the database that is attached to a workspace as {@value FoldDatabase#ATTACHED}, their rows as they are, by
 * {@code INSERT … SELECT}: records that are new to the workspace, and such as replace all that is stored of a record. Those
 * that follow one another in both go as one run.
 */
final class CopiedRows {
    /** Runs in the order of the rows here, so that every table is written in its order. */
    private static final String RUNS = """
            CREATE TEMP TABLE IF NOT EXISTS compactor_run
            (row INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, position INTEGER NOT NULL,
             stored INTEGER NOT NULL)""";
    /** A document that stays as it is need not be indexed again. */
    private static final String TEXTS = """
            INSERT OR REPLACE INTO main.embedding_fulltext_search (rowid, string_value)
            SELECT m.id - r.first + r.row, m.string_value
            FROM temp.compactor_run r CROSS JOIN source.embeddings e ON e.id BETWEEN r.first AND r.last
            CROSS JOIN source.embedding_metadata m ON m.id = e.id AND m.key = 'chroma:document'
            WHERE m.string_value IS NOT NULL AND NOT (r.stored AND EXISTS (
                SELECT 1 FROM main.embedding_metadata t WHERE t.id = m.id - r.first + r.row
                AND t.key = 'chroma:document' AND t.string_value = m.string_value))""";
    /** One value per row, in the order in which {@link StoredRecord#value} looks for it. */
    private static final String VALUES = """
            INSERT INTO main.embedding_metadata (id, key, string_value, int_value, float_value, bool_value)
            SELECT m.id - r.first + r.row, m.key,
                   iif(m.bool_value IS NULL, m.string_value, NULL),
                   iif(m.bool_value IS NULL AND m.string_value IS NULL, m.int_value, NULL),
                   iif(m.bool_value IS NULL AND m.string_value IS NULL AND m.int_value IS NULL, m.float_value, NULL),
                   m.bool_value <> 0
            FROM temp.compactor_run r CROSS JOIN source.embedding_metadata m ON m.id BETWEEN r.first AND r.last
            WHERE coalesce(m.string_value, m.int_value, m.float_value, m.bool_value) IS NOT NULL
            ON CONFLICT (id, key) DO UPDATE SET string_value = excluded.string_value, int_value = excluded.int_value,
                   float_value = excluded.float_value, bool_value = excluded.bool_value
            WHERE (string_value, int_value, float_value, bool_value) IS NOT
                  (excluded.string_value, excluded.int_value, excluded.float_value, excluded.bool_value)""";

    /** What stamps are here, by their numbers there. */
    private static final String WRITTEN = """
            CREATE TEMP TABLE IF NOT EXISTS compactor_written
            (source INTEGER PRIMARY KEY, ref INTEGER NOT NULL, created_at TEXT NOT NULL)""";

    private static final String ONE_STAMP = "0";
    private static final String OWN_STAMPS =
            "coalesce((SELECT c.ref FROM source.compactor_record c WHERE c.embedding = e.id), 0)";

    private final FoldDatabase database;
    private final RecordWriter writer;
    private final StampTable stamps;
    private final boolean blobs;
    private long first;
    private long last;
    private long row;
    private long position;
    private boolean stored;
    private long records;

    CopiedRows(Workspace target) {
        database = target.database();
        writer = target.writer();
        stamps = target.stamps();
        blobs = target.level().metadb() < 5;
        database.update(RUNS);
        database.update("DELETE FROM temp.compactor_run");
    }

    /** Takes the next record; returns its row here. */
    long add(long source) {
        long mine = writer.nextRow();
        take(source, mine, false);
        return mine;
    }

    /** Takes the next record, in the place of a stored one that has no key that it does not have. */
    void replace(long source, long mine) {
        take(source, mine, true);
    }

    private void take(long source, long mine, boolean isStored) {
        long place = writer.nextPosition();
        if (records == 0 || source != last + 1 || mine != row + source - first || isStored != stored) {
            finishRun();
            first = source;
            row = mine;
            position = place;
            stored = isStored;
        }
        last = source;
        records++;
    }

    private void finishRun() {
        if (records > 0) {
            database.update(
                    "INSERT INTO temp.compactor_run VALUES (?, ?, ?, ?, ?)",
                    row,
                    first,
                    last,
                    position,
                    stored ? 1 : 0);
        }
    }

    /** Copies all that was taken, as written by one delta. */
    void copy(CollectionInfo into, Stamp stamp) {
        copy(into, ONE_STAMP, Map.of(0L, stamp));
    }

    /**
     * Copies all that was taken, each with the stamp that it has there.
     *
     * @param stamps by their numbers there
     */
    void copy(CollectionInfo into, Map<Long, Stamp> stamps) {
        copy(into, OWN_STAMPS, stamps);
    }

    private void copy(CollectionInfo into, String stamp, Map<Long, Stamp> written) {
        finishRun();
        if (records > 0) {
            database.update(WRITTEN);
            database.update("DELETE FROM temp.compactor_written");
            written.forEach((there, one) -> database.update(
                    "INSERT INTO temp.compactor_written VALUES (?, ?, ?)",
                    there,
                    stamps.ref(one),
                    RecordWriter.time(one)));
            String from = " FROM temp.compactor_run r CROSS JOIN source.embeddings e ON e.id BETWEEN r.first AND r.last"
                    + " CROSS JOIN temp.compactor_written w ON w.source = " + stamp;
            database.update(
                    "INSERT INTO main.embeddings (id, segment_id, embedding_id, seq_id, created_at)"
                            + " SELECT e.id - r.first + r.row, ?, e.embedding_id, "
                            + position("e.id - r.first + r.position") + ", w.created_at" + from + " WHERE NOT r.stored",
                    into.metadataSegment());
            database.update("UPDATE main.embeddings SET seq_id = " + position("id - r.row + r.position")
                    + " FROM temp.compactor_run r WHERE r.stored AND id BETWEEN r.row AND r.row + r.last - r.first");
            database.update(TEXTS);
            database.update(VALUES);
            database.update("INSERT OR REPLACE INTO main.compactor_record (embedding, ref)"
                    + " SELECT e.id - r.first + r.row, w.ref" + from + " WHERE w.ref <> " + StampTable.OLDEST);
        }
    }

    private String position(String number) {
        return blobs ? "unhex(printf('%016X', " + number + "))" : number;
    }
}
