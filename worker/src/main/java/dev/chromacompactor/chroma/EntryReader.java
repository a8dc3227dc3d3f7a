package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.failure.FailureException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Walks one collection in the order of {@code embeddings.id}, one record in memory at a time, then the ids that only
 * the WAL knows. Each record is put together from the tables, the index and the WAL rows of its id.
 */
final class EntryReader implements AutoCloseable {
    private static final String RECORDS = """
            SELECT e.id, e.embedding_id, m.key, m.string_value, m.int_value, m.float_value, m.bool_value
            FROM embeddings e LEFT JOIN embedding_metadata m ON m.id = e.id
            WHERE +e.segment_id = ? AND e.id BETWEEN ? AND ? ORDER BY e.id""";
    private static final String RECORD = """
            SELECT e.id, e.embedding_id, m.key, m.string_value, m.int_value, m.float_value, m.bool_value
            FROM embeddings e LEFT JOIN embedding_metadata m ON m.id = e.id
            WHERE e.segment_id = ? AND e.embedding_id = ?""";
    private static final String LISTS = """
            SELECT key, string_value, int_value, float_value, bool_value
            FROM embedding_metadata_array WHERE id = ? ORDER BY rowid""";

    private final Segments segments;
    private final PreparedStatement records;
    private final PreparedStatement record;
    private final @Nullable PreparedStatement lists;
    private final PreparedStatement vector;
    private final PreparedStatement metadata;

    EntryReader(Connection connection, Segments segments, boolean anyLists) throws SQLException {
        this.segments = segments;
        this.records = connection.prepareStatement(RECORDS);
        this.record = connection.prepareStatement(RECORD);
        this.lists = anyLists ? connection.prepareStatement(LISTS) : null;
        this.vector = connection.prepareStatement("SELECT vector FROM embeddings_queue WHERE seq_id = ?");
        this.metadata = connection.prepareStatement("SELECT metadata FROM embeddings_queue WHERE seq_id = ?");
    }

    /** Whether any record of the file has a list; most files have none and need not be asked record by record. */
    static boolean anyLists(SqliteFile file, SchemaLevel level) {
        return level.listsAllowed()
                && file.number("look for lists", "SELECT EXISTS (SELECT 1 FROM embedding_metadata_array)") == 1;
    }

    /** @param range of the collection */
    void forEach(RowRange range, Consumer<Entry> each) throws SQLException {
        Set<String> onlyInWal = new LinkedHashSet<>(segments.wal().ids());
        records.setString(1, segments.collection().metadataSegment());
        records.setLong(2, range.first());
        records.setLong(3, range.last());
        forEach(records, id -> onlyInWal.remove(id), each);
        for (String id : onlyInWal) {
            emit(id, null, each);
        }
    }

    /** What there is of one id, if there is anything. */
    void one(String id, Consumer<Entry> each) throws SQLException {
        boolean[] stored = {false};
        record.setString(1, segments.collection().metadataSegment());
        record.setString(2, id);
        forEach(record, found -> stored[0] = true, each);
        if (!stored[0]) {
            emit(id, null, each);
        }
    }

    private void forEach(PreparedStatement statement, Consumer<String> found, Consumer<Entry> each)
            throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            boolean more = row.next();
            while (more) {
                long key = row.getLong(1);
                String id = row.getString(2);
                var record = new StoredRecord();
                // Rows of one record follow one another; a record without metadata is one row of nulls.
                do {
                    String name = row.getString(3);
                    if (name != null) {
                        record.put(name, StoredRecord.value(row, 4));
                    }
                    more = row.next();
                } while (more && row.getLong(1) == key);
                addLists(key, record);
                found.accept(id);
                emit(id, record, each);
            }
        }
    }

    private void addLists(long key, StoredRecord record) throws SQLException {
        if (lists == null) {
            return;
        }
        Map<String, List<MetadataValue>> values = new LinkedHashMap<>();
        lists.setLong(1, key);
        try (ResultSet row = lists.executeQuery()) {
            while (row.next()) {
                MetadataValue value = StoredRecord.value(row, 2);
                if (value != null) {
                    values.computeIfAbsent(row.getString(1), k -> new ArrayList<>())
                            .add(value);
                }
            }
        }
        values.forEach((name, list) -> record.put(name, new MetadataValue.Many(list)));
    }

    private void emit(String id, @Nullable StoredRecord stored, Consumer<Entry> each) throws SQLException {
        StoredRecord record = stored;
        long place = segments.inIndex(id) ? Segments.IN_INDEX : Segments.NOWHERE;
        boolean deleted = false;
        Set<String> removed = new LinkedHashSet<>();
        Map<String, MetadataValue> given = new HashMap<>();
        for (WalLog.Row row : segments.wal().of(id)) {
            // What the index has seen is known to have happened, but not on what it fell: the row before is gone.
            boolean effective = row.position() <= segments.vectorPosition()
                    || row.operation().effective(place != Segments.NOWHERE);
            if (row.position() > segments.vectorPosition()) {
                place = segments.after(row, place, id);
            }
            boolean unfollowed = row.position() > segments.metadataPosition();
            if (row.operation() == Operation.DELETE) {
                deleted = true;
                removed.clear();
                given.clear();
                record = unfollowed ? null : record;
            } else if (effective) {
                Map<String, @Nullable MetadataValue> values = metadata(row.position(), id);
                note(values, removed, given);
                if (unfollowed && row.operation().effective(record != null)) {
                    StoredRecord target = record == null ? new StoredRecord() : record;
                    values.forEach(target::put);
                    record = target;
                }
            }
        }
        if ((record != null) != (place != Segments.NOWHERE)) {
            throw idsDisagree(segments.collection().name(), id, record != null);
        }
        if (record == null) {
            if (deleted) {
                each.accept(new Entry(id, null, Set.of(), true));
            }
            return;
        }
        record.sharpen(given);
        removed.removeIf(record::has);
        removed.remove(WalMetadata.DOCUMENT);
        each.accept(new Entry(id, record.live(vector(place, id)), new HashSet<>(removed), deleted));
    }

    private static void note(
            Map<String, @Nullable MetadataValue> values, Set<String> removed, Map<String, MetadataValue> given) {
        values.forEach((key, value) -> {
            if (value == null) {
                removed.add(key);
                given.remove(key);
            } else {
                removed.remove(key);
                given.put(key, value);
            }
        });
    }

    static FailureException idsDisagree(String collection, String id, boolean inTables) {
        return FailureException.input(
                "ids-disagree",
                "compare ids of collection " + collection + ": id " + id
                        + (inTables
                                ? " is in embeddings, but its vector is neither in the index nor in the WAL"
                                : " has a vector, but is not in embeddings"));
    }

    private Map<String, @Nullable MetadataValue> metadata(long position, String id) throws SQLException {
        metadata.setLong(1, position);
        try (ResultSet row = metadata.executeQuery()) {
            return WalMetadata.parse(row.next() ? row.getString(1) : null, "WAL row " + position + " of id " + id);
        }
    }

    private float[] vector(long place, String id) throws SQLException {
        if (place == Segments.IN_INDEX) {
            return requireNonNull(segments.index()).vector(id);
        }
        vector.setLong(1, place);
        try (ResultSet row = vector.executeQuery()) {
            byte[] bytes = row.next() ? row.getBytes(1) : null;
            return Floats.of(requireNonNull(bytes));
        }
    }

    @Override
    public void close() throws SQLException {
        try (records;
                record;
                vector;
                metadata) {
            if (lists != null) {
                lists.close();
            }
        }
    }
}
