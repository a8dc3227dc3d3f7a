package dev.chromacompactor.chroma;

/**
 * Copies records that are new to a workspace out of the database that is attached to it as {@value FoldDatabase#ATTACHED}, their
 * rows as they are, by {@code INSERT … SELECT}. Records that follow one another there do so here.
 */
final class CopiedRows {
    private static final String RUNS = """
            CREATE TEMP TABLE IF NOT EXISTS compactor_run
            (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, row INTEGER NOT NULL, position INTEGER NOT NULL)""";
    /** One value per row, in the order in which {@link StoredRecord#value} looks for it. */
    private static final String VALUES = """
            INSERT INTO main.embedding_metadata (id, key, string_value, int_value, float_value, bool_value)
            SELECT m.id + r.row, m.key,
                   iif(m.bool_value IS NULL, m.string_value, NULL),
                   iif(m.bool_value IS NULL AND m.string_value IS NULL, m.int_value, NULL),
                   iif(m.bool_value IS NULL AND m.string_value IS NULL AND m.int_value IS NULL, m.float_value, NULL),
                   m.bool_value <> 0
            FROM temp.compactor_run r CROSS JOIN source.embedding_metadata m ON m.id BETWEEN r.first AND r.last
            WHERE coalesce(m.string_value, m.int_value, m.float_value, m.bool_value) IS NOT NULL""";

    private static final String TEXTS = """
            INSERT INTO main.embedding_fulltext_search (rowid, string_value)
            SELECT m.id + r.row, m.string_value
            FROM temp.compactor_run r CROSS JOIN source.embeddings e ON e.id BETWEEN r.first AND r.last
            CROSS JOIN source.embedding_metadata m ON m.id = e.id AND m.key = 'chroma:document'
            WHERE m.string_value IS NOT NULL""";
    private static final String STAMPS = """
            INSERT INTO main.compactor_record (embedding, ref)
            SELECT e.id + r.row, ?
            FROM temp.compactor_run r CROSS JOIN source.embeddings e ON e.id BETWEEN r.first AND r.last""";

    private final FoldDatabase database;
    private final RecordWriter writer;
    private final String position;
    private long first;
    private long last = -1;
    private long row;
    private long positionOfFirst;
    private long records;

    CopiedRows(Workspace target) {
        database = target.database();
        writer = target.writer();
        position = target.level().metadb() < 5 ? "unhex(printf('%016X', e.id + r.position))" : "e.id + r.position";
        database.update(RUNS);
        database.update("DELETE FROM temp.compactor_run");
    }

    /** Takes the next record; returns its row here. */
    long take(long source) {
        long mine = writer.nextRow();
        long place = writer.nextPosition();
        if (source != last + 1 || records == 0) {
            finishRun();
            first = source;
            row = mine;
            positionOfFirst = place;
        }
        last = source;
        records++;
        return mine;
    }

    private void finishRun() {
        if (records > 0) {
            database.update(
                    "INSERT INTO temp.compactor_run VALUES (?, ?, ?, ?)",
                    first,
                    last,
                    row - first,
                    positionOfFirst - first);
        }
    }

    /** Copies all that was taken. */
    void copy(CollectionInfo into, String createdAt, long stamp) {
        finishRun();
        if (records > 0) {
            database.update(
                    "INSERT INTO main.embeddings (id, segment_id, embedding_id, seq_id, created_at)"
                            + " SELECT e.id + r.row, ?, e.embedding_id, " + position + ", ? FROM temp.compactor_run r"
                            + " CROSS JOIN source.embeddings e ON e.id BETWEEN r.first AND r.last",
                    into.metadataSegment(),
                    createdAt);
            database.update(VALUES);
            database.update(TEXTS);
            if (stamp != StampTable.OLDEST) {
                database.update(STAMPS, stamp);
            }
        }
    }
}
