package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.chroma.hnsw.Finite;
import dev.chromacompactor.chroma.hnsw.HnswIndex;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads of a delta's collection what of it is plain, see {@link PlainRecords}, in one pass: each vector once, into the scratch,
 * each value once, for the digest, each row of the WAL once, for the doubles that are exact only there.
 *
 * <p>In doubt a record is not plain. {@link EntryReader} has to make sense of it, and {@link Validation} to say what is wrong
 * with it.
 */
final class PlainReader {
    /** Ids of which the WAL says more than what the tables and one row of it hold. */
    private static final String EXCEPTIONS = """
            SELECT DISTINCT q.id FROM embeddings_queue q
            LEFT JOIN embeddings e ON e.segment_id = ? AND e.embedding_id = q.id
            WHERE q.topic LIKE '%/' || ? AND q.seq_id BETWEEN ? AND ?
              AND (e.seq_id IS NOT q.seq_id OR q.operation NOT IN (0, 2))""";

    private static final String RECORDS = """
            SELECT e.id, e.embedding_id, e.seq_id,
                   CASE WHEN q.seq_id IS NULL THEN 0 WHEN q.encoding IS NOT 'FLOAT32' THEN 3 WHEN q.operation = 0 THEN 2 ELSE 1 END,
                   q.vector, q.metadata
            FROM embeddings e
            LEFT JOIN embeddings_queue q ON q.seq_id = e.seq_id AND q.id = e.embedding_id AND q.topic LIKE '%/' || ?
            WHERE +e.segment_id = ? AND e.id BETWEEN ? AND ? ORDER BY e.id""";
    private static final String VALUES = "SELECT m.id, " + PlainValues.COLUMNS
            + " FROM embedding_metadata m WHERE m.id BETWEEN ? AND ? ORDER BY m.id, m.key";
    private static final int NO_ROW = 0;
    private static final int ADD = 2;
    private static final int UNKNOWN_ENCODING = 3;

    private final SqliteFile file;
    private final Segments segments;
    private final @Nullable HnswIndex index;
    private final int vectorBytes;
    private final Set<Long> withLists = new HashSet<>();
    private final float[] floats;
    private final PlainValues values = new PlainValues();
    private final WalScan scan = new WalScan();
    private boolean doubtful;
    private int indexed;

    PlainReader(SqliteFile file, SchemaLevel level, Segments segments) {
        this.file = file;
        this.segments = segments;
        this.index = segments.index();
        Integer dimension = segments.collection().dimension();
        boolean unlike = index != null && dimension != null && index.dimension() != dimension;
        this.vectorBytes = dimension == null || unlike ? -1 : Float.BYTES * dimension;
        this.floats = new float[Math.max(0, vectorBytes) / Float.BYTES];
        if (EntryReader.anyLists(file, level)) {
            file.query(
                    "look for lists",
                    "SELECT DISTINCT id FROM embedding_metadata_array",
                    List.of(),
                    row -> withLists.add(row.getLong(1)));
        }
    }

    /**
     * Looks at all records.
     *
     * @param name of the collection, as it is hashed
     * @param scratch where their vectors go
     */
    PlainRecords read(String name, VectorScratch scratch) {
        CollectionInfo source = segments.collection();
        Set<String> exceptions = new LinkedHashSet<>();
        file.query(
                "look for exceptions",
                EXCEPTIONS,
                List.of(
                        source.metadataSegment(),
                        source.id(),
                        segments.wal().first(),
                        segments.wal().last()),
                row -> exceptions.add(SqliteFile.text(row, 1)));
        doubtful = !exceptions.isEmpty() || lastRowIsGone();
        RowRange range = RowRange.of(file, source);
        var records = new PlainRecords(source, (int) range.records());
        var digest = new RecordDigest();
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        each(range, (number, id, vector) -> {
            if (vector == null || exceptions.contains(id)) {
                exceptions.add(id);
            } else {
                ByteBuffer hash = values.hash(digest, utf8, id.getBytes(StandardCharsets.UTF_8), vector);
                records.add(number, id, scratch.append(vector), hash.getLong(), hash.getLong());
                values.sharpened(records::sharpen);
            }
        });
        records.leave(exceptions, doubtful || (index != null && indexed < index.size()));
        return records;
    }

    /** See {@link Validation}: the row that wrote metadata last is there as long as the index lags behind. */
    private boolean lastRowIsGone() {
        return segments.metadataPosition() > segments.vectorPosition()
                && file.number(
                                "look for the last row",
                                "SELECT count(*) FROM embeddings_queue WHERE seq_id = ?",
                                segments.metadataPosition())
                        == 0;
    }

    private interface Each {
        /** @param vector null if the record is not plain; {@link #values} holds the rest of it */
        void record(long number, String id, byte @Nullable [] vector);
    }

    private void each(RowRange range, Each each) {
        CollectionInfo source = segments.collection();
        file.run("read collection " + source.name(), connection -> {
            try (PreparedStatement records = connection.prepareStatement(RECORDS);
                    PreparedStatement all = connection.prepareStatement(VALUES)) {
                records.setString(1, source.id());
                records.setString(2, source.metadataSegment());
                records.setLong(3, range.first());
                records.setLong(4, range.last());
                all.setLong(1, range.first());
                all.setLong(2, range.last());
                try (ResultSet record = records.executeQuery();
                        ResultSet value = all.executeQuery()) {
                    boolean more = value.next();
                    while (record.next()) {
                        long number = record.getLong(1);
                        values.clear();
                        // Rows of other collections lie between.
                        while (more && value.getLong(1) <= number) {
                            if (value.getLong(1) == number) {
                                values.add(value, 2);
                            }
                            more = value.next();
                        }
                        String id = SqliteFile.text(record, 2);
                        byte[] vector = vector(record, number, id);
                        doubtful |= vector == null;
                        each.record(number, id, vector);
                    }
                }
            }
            return true;
        });
    }

    private byte @Nullable [] vector(ResultSet record, long number, String id) throws SQLException {
        boolean inIndex = index != null && index.contains(id);
        indexed += inIndex ? 1 : 0;
        long position = SqliteFile.position(record, 3);
        int writtenBy = record.getInt(4);
        boolean fromIndex = position <= segments.vectorPosition();
        if (!values.known() || withLists.contains(number) || (fromIndex && !inIndex)) {
            return null;
        }
        if (writtenBy != NO_ROW) {
            byte[] json = record.getBytes(6);
            byte[] vector = record.getBytes(5);
            boolean odd = writtenBy == UNKNOWN_ENCODING
                    || position > segments.metadataPosition()
                    || (writtenBy == ADD && inIndex && !fromIndex)
                    || (json != null && !scan.sharpen(json, values));
            if (odd || vector == null || !sound(vector)) {
                return null;
            }
            return fromIndex ? fromIndex(id) : vector;
        }
        return fromIndex ? fromIndex(id) : null;
    }

    private byte @Nullable [] fromIndex(String id) {
        byte[] vector = requireNonNull(index).bytes(id);
        return sound(vector) ? vector : null;
    }

    /** As many floats as there should be, and none of them infinite or NaN. */
    private boolean sound(byte[] vector) {
        if (vector.length != vectorBytes) {
            return false;
        }
        Floats.read(vector, floats);
        return Finite.all(floats);
    }
}
