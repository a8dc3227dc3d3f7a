package dev.chromacompactor.chroma;

import dev.chromacompactor.chroma.hnsw.HnswIndex;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The two segments of one collection and how far each has followed the WAL. The METADATA segment is the tables
 * {@code embeddings} and {@code embedding_metadata}; the VECTOR segment is the index folder, absent as long as nothing
 * was synced. What lies in the WAL beyond a segment's position is still to be applied to it.
 *
 * @param vectorPosition {@code max_seq_id} of the VECTOR segment, 0 if it has none
 * @param metadataPosition {@code max_seq_id} of the METADATA segment, 0 if it has none
 */
record Segments(
        CollectionInfo collection,
        long vectorPosition,
        long metadataPosition,
        @Nullable HnswIndex index,
        WalLog wal) implements AutoCloseable {

    /** What {@link #placeOfVector} answers for an id that does not exist. */
    static final long NOWHERE = -1;
    /** What {@link #placeOfVector} answers for a vector in the index files. */
    static final long IN_INDEX = 0;

    /** @param wal the rows of the collection */
    static Segments read(SqliteFile file, Path directory, CollectionInfo collection, WalLog wal) {
        long vector = position(file, collection.vectorSegment());
        long metadata = position(file, collection.metadataSegment());
        Path folder = directory.resolve(collection.vectorSegment());
        if (HnswIndex.exists(folder)) {
            return new Segments(collection, vector, metadata, HnswIndex.open(folder, collection.space()), wal);
        } else if (vector > 0) {
            throw FailureException.input(
                    "index-missing",
                    "open collection " + collection.name() + ": its vectors are in the index up to position " + vector
                            + ", but there is no index_metadata.pickle in " + folder);
        }
        return new Segments(collection, vector, metadata, null, wal);
    }

    private static long position(SqliteFile file, String segment) {
        long[] position = {0};
        file.query(
                "read positions",
                "SELECT seq_id FROM max_seq_id WHERE segment_id = ?",
                List.of(segment),
                row -> position[0] = SqliteFile.position(row, 1));
        return position[0];
    }

    /** Whether {@code embeddings} has the id, as it is in the file. */
    boolean inTable(SqliteFile file, String id) {
        return file.number(
                        "look up id " + id,
                        "SELECT count(*) FROM embeddings WHERE segment_id = ? AND embedding_id = ?",
                        collection.metadataSegment(),
                        id)
                > 0;
    }

    boolean inIndex(String id) {
        return index != null && index.contains(id);
    }

    /** Where the current vector of an id is: {@link #NOWHERE}, {@link #IN_INDEX}, or a position in the WAL. */
    long placeOfVector(String id) {
        long place = inIndex(id) ? IN_INDEX : NOWHERE;
        for (WalLog.Row row : wal.of(id)) {
            place = row.position() > vectorPosition ? after(row, place, id) : place;
        }
        return place;
    }

    /** Where the vector is after one more row of the WAL. */
    long after(WalLog.Row row, long place, String id) {
        boolean exists = place != NOWHERE;
        if (row.operation() == Operation.DELETE) {
            return NOWHERE;
        } else if (!row.operation().effective(exists)) {
            return place;
        } else if (row.hasVector()) {
            return row.position();
        } else if (exists) {
            return place;
        }
        throw FailureException.input(
                "vector-missing",
                "read the WAL of collection " + collection.name() + ": row " + row.position() + " adds id " + id
                        + " without a vector");
    }

    /** Whether the METADATA segment holds the id once it has followed the WAL. */
    boolean hasMetadata(String id, boolean inTable) {
        boolean exists = inTable;
        for (WalLog.Row row : wal.of(id)) {
            exists = row.position() > metadataPosition ? row.operation().exists(exists) : exists;
        }
        return exists;
    }

    /** Updates beyond the index of ids that did not exist; what the index has followed can no longer be told. */
    long ignoredUpdates() {
        long ignored = 0;
        for (String id : wal.ids()) {
            long place = inIndex(id) ? IN_INDEX : NOWHERE;
            for (WalLog.Row row : wal.of(id)) {
                if (row.position() > vectorPosition) {
                    ignored += row.operation() == Operation.UPDATE && place == NOWHERE ? 1 : 0;
                    place = after(row, place, id);
                }
            }
        }
        return ignored;
    }

    @Override
    public void close() {
        if (index != null) {
            index.close();
        }
    }
}
