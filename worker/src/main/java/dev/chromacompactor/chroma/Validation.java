package dev.chromacompactor.chroma;

import dev.chromacompactor.chroma.hnsw.HnswIndex;
import dev.chromacompactor.failure.FailureException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is checked before a database is used, beyond what reading its catalogue shows. Chroma opens a torn or
 * half-lost database without a word, so an open that works proves nothing: ids are compared one by one.
 */
final class Validation {
    private final SqliteFile file;
    private final SchemaLevel level;

    Validation(SqliteFile file, SchemaLevel level) {
        this.file = file;
        this.level = level;
    }

    /** Rows that point at nothing. SQLite's own foreign_key_check cannot tell: Chroma's references name a missing table. */
    void references() {
        orphan("segment", "SELECT id, collection FROM segments WHERE collection NOT IN (SELECT id FROM collections)");
        orphan(
                "collection",
                "SELECT name, database_id FROM collections WHERE database_id NOT IN (SELECT id FROM databases)");
        // 0.6 leaves the records of a deleted collection behind, and the position of their segment with them.
        orphan(
                "record",
                "SELECT embedding_id, segment_id FROM embeddings"
                        + " WHERE segment_id NOT IN (SELECT id FROM segments WHERE scope = 'METADATA')"
                        + " AND segment_id NOT IN (SELECT segment_id FROM max_seq_id)");
        orphan("metadata key", withoutRecord("embedding_metadata"));
        if (level.listsAllowed()) {
            orphan("metadata list", withoutRecord("embedding_metadata_array"));
        }
    }

    /** Asks once a record, not once a key: SQLite skips from one to the next in the index. */
    private static String withoutRecord(String table) {
        return "SELECT (SELECT key FROM " + table + " k WHERE k.id = m.id LIMIT 1), id FROM (SELECT DISTINCT id FROM "
                + table + ") m WHERE NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.id = m.id)";
    }

    private void orphan(String what, String sql) {
        file.query("check references", sql + " LIMIT 1", List.of(), row -> {
            throw FailureException.input(
                    "foreign-key-violation",
                    "check references in " + file.path() + ": " + what + " " + row.getString(1) + " belongs to "
                            + row.getString(2) + ", which is not there");
        });
    }

    void collection(Segments segments) {
        CollectionInfo collection = segments.collection();
        HnswIndex index = segments.index();
        int dimension = collection.dimension() == null ? 0 : collection.dimension();
        if (index != null) {
            index.check();
            dimension = sameDimension(collection, "the index", dimension, index.dimension());
        }
        wal(segments, dimension);
        positions(segments);
        ids(segments);
        indexedVectors(segments, index == null ? Set.of() : index.ids());
    }

    /** The same for one of our own, whose graph must be whole besides; of vectors only those that are not a proven base's. */
    void own(Segments segments, @Nullable Touched touched) {
        CollectionInfo collection = segments.collection();
        HnswIndex index = segments.index();
        int dimension = collection.dimension() == null ? 0 : collection.dimension();
        int kept = touched == null ? 0 : touched.kept(collection);
        if (index != null) {
            index.prove(kept);
            dimension = sameDimension(collection, "the index", dimension, index.dimension());
            indexedVectors(segments, touched == null || kept == 0 ? index.ids() : touched.of(collection));
        }
        wal(segments, dimension);
        positions(segments);
        ids(segments);
    }

    /** Every row of the WAL, also those that all segments have followed: they still tell of deletes and removed keys. */
    private void wal(Segments segments, int expected) {
        CollectionInfo collection = segments.collection();
        WalLog wal = segments.wal();
        int[] dimension = {expected};
        file.query(
                "check the WAL",
                "SELECT seq_id, operation, id, vector, encoding, metadata" + WalLog.AGAIN,
                List.of(collection.id(), wal.first(), wal.last()),
                row -> dimension[0] = walRow(collection, row, dimension[0]));
    }

    private int walRow(CollectionInfo collection, ResultSet row, int dimension) throws SQLException {
        String where = "WAL row " + row.getLong(1) + " of id " + row.getString(3);
        WalMetadata.parse(row.getString(6), where);
        byte[] vector = row.getBytes(4);
        if (vector == null || Operation.of(row.getLong(2)) == Operation.DELETE) {
            return dimension;
        }
        String encoding = row.getString(5);
        if (!"FLOAT32".equals(encoding)) {
            throw FailureException.input("encoding-unknown", "check " + where + ": its encoding is " + encoding);
        }
        if (vector.length % Float.BYTES != 0) {
            throw FailureException.input(
                    "dimension-mismatch", "check " + where + ": a vector of " + vector.length + " bytes is no float32");
        }
        int length = sameDimension(collection, where, dimension, vector.length / Float.BYTES);
        finite(Floats.of(vector), collection, row.getString(3));
        return length;
    }

    /** @param known 0 if nothing is known yet */
    private static int sameDimension(CollectionInfo collection, String where, int known, int found) {
        if (known != 0 && known != found) {
            throw FailureException.input(
                    "dimension-mismatch",
                    "check collection " + collection.name() + ": " + where + " has " + found + " dimensions instead of "
                            + known);
        }
        return found;
    }

    private static void finite(float[] vector, CollectionInfo collection, String id) {
        for (float value : vector) {
            if (!Float.isFinite(value)) {
                throw FailureException.input(
                        "vector-not-finite",
                        "check collection " + collection.name() + ": the vector of id " + id + " contains " + value);
            }
        }
    }

    /**
     * The last row of a collection is never purged while its index lags behind. Missing, it was purged for an index that
     * was written later than what we have.
     */
    private void positions(Segments segments) {
        long last = segments.metadataPosition();
        if (last > segments.vectorPosition()
                && file.number("look for the last row", "SELECT count(*) FROM embeddings_queue WHERE seq_id = ?", last)
                        == 0) {
            throw gap(segments, "row " + last + ", the last one that wrote metadata, is gone");
        }
    }

    private static FailureException gap(Segments segments, String what) {
        return FailureException.input(
                "wal-gap",
                "compare index and WAL of collection " + segments.collection().name() + ": the index ends at position "
                        + segments.vectorPosition() + ", but " + what);
    }

    /** Both segments, each after following the WAL, must hold the same ids. */
    private void ids(Segments segments) {
        CollectionInfo collection = segments.collection();
        RowRange range = RowRange.of(file, collection);
        long[] indexed = {0};
        Set<String> onlyInWal = new LinkedHashSet<>(segments.wal().ids());
        // Two queries: for the ids alone an index will do, and the rows beyond the vector index are few or in the order
        // of the table.
        file.query(
                "compare positions",
                "SELECT embedding_id, seq_id FROM embeddings"
                        + " WHERE +segment_id = ? AND id BETWEEN ? AND ? AND seq_id > ?",
                List.of(collection.metadataSegment(), range.first(), range.last(), segments.vectorPosition()),
                row -> written(segments, row.getString(1), SqliteFile.position(row, 2)));
        file.query(
                "compare ids",
                "SELECT embedding_id FROM embeddings WHERE segment_id = ?",
                List.of(collection.metadataSegment()),
                row -> {
                    String id = row.getString(1);
                    onlyInWal.remove(id);
                    indexed[0] += segments.inIndex(id) ? 1 : 0;
                    same(segments, id, true);
                });
        for (String id : onlyInWal) {
            indexed[0] += segments.inIndex(id) ? 1 : 0;
            same(segments, id, false);
        }
        // Whatever the index holds was met above, or it is known to nobody else.
        HnswIndex index = segments.index();
        if (index != null && indexed[0] < index.ids().size()) {
            for (String id : index.ids()) {
                if (!segments.inTable(file, id)) {
                    same(segments, id, false);
                }
            }
        }
    }

    /** A record last written beyond the index has its vector in the row that wrote it. */
    private static void written(Segments segments, String id, long position) {
        if (position > segments.vectorPosition()
                && segments.wal().of(id).stream().noneMatch(row -> row.position() == position)) {
            throw gap(segments, "row " + position + ", which wrote id " + id + ", is gone");
        }
    }

    private static void same(Segments segments, String id, boolean inTable) {
        boolean metadata = segments.hasMetadata(id, inTable);
        if (metadata != (segments.placeOfVector(id) != Segments.NOWHERE)) {
            throw EntryReader.idsDisagree(segments.collection().name(), id, metadata);
        }
    }

    /** The index's own check has seen the stored vectors; what is given out of a cosine index is those times their lengths. */
    private static void indexedVectors(Segments segments, Set<String> ids) {
        HnswIndex index = segments.index();
        if (index != null && index.space() == Space.COSINE) {
            ids.stream().filter(index::contains).forEach(id -> finite(index.vector(id), segments.collection(), id));
        }
    }
}
