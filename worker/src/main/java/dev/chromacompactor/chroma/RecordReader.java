package dev.chromacompactor.chroma;

import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Reads records with the stamps of their registers out of a database that holds {@link OwnTables}. */
final class RecordReader {
    private static final String IDS = """
            SELECT embedding_id FROM embeddings WHERE segment_id = ?
            UNION SELECT id FROM compactor_register WHERE collection = ?""";
    private static final String RECORD = """
            SELECT e.id, r.ref FROM embeddings e LEFT JOIN compactor_record r ON r.embedding = e.id
            WHERE e.segment_id = ? AND e.embedding_id = ?""";
    private static final String ROW = "SELECT id FROM embeddings WHERE segment_id = ? AND embedding_id = ?";
    private static final String REGISTERS =
            "SELECT kind, key, ref FROM compactor_register WHERE collection = ? AND id = ?";
    private static final String VALUES =
            "SELECT key, string_value, int_value, float_value, bool_value FROM embedding_metadata WHERE id = ?";
    private static final String IN_ORDER =
            "SELECT " + PlainValues.COLUMNS + " FROM embedding_metadata m WHERE m.id = ? ORDER BY m.key";
    private static final String ALL =
            "SELECT e.id, e.embedding_id, e.seq_id, e.created_at, r.ref, " + PlainValues.COLUMNS + """
             FROM embeddings e LEFT JOIN compactor_record r ON r.embedding = e.id
            LEFT JOIN embedding_metadata m ON m.id = e.id WHERE +e.segment_id = ? ORDER BY e.id, m.key""";
    private static final String ELEMENTS = """
            SELECT key, string_value, int_value, float_value, bool_value
            FROM embedding_metadata_array WHERE id = ? ORDER BY rowid""";

    private final FoldDatabase database;
    private final StampTable stamps;
    private final LongFunction<byte[]> vectors;
    private final boolean lists;
    private final PlainValues plain = new PlainValues();

    /** @param vectors finds the vector of a row of {@code embeddings}, float32, little-endian */
    RecordReader(FoldDatabase database, SchemaLevel level, StampTable stamps, LongFunction<byte[]> vectors) {
        this.database = database;
        this.stamps = stamps;
        this.vectors = vectors;
        this.lists = level.listsAllowed();
    }

    /** @param row of {@code embeddings}; 0 if the record is not there */
    record Found(long row, Registers registers) {}

    /** Ids that are there, or that something is remembered of. */
    void ids(CollectionInfo collection, Consumer<String> each) {
        database.each(IDS, row -> each.accept(row.getString(1)), collection.metadataSegment(), collection.name());
    }

    /**
     * What is stored of one record beside its values.
     *
     * @param ref of the stamp of its vector, 0 for the oldest
     */
    record Row(long number, String id, long position, String createdAt, long ref) {
        private static Row of(ResultSet row) throws SQLException {
            return new Row(
                    row.getLong(1), row.getString(2), SqliteFile.position(row, 3), row.getString(4), row.getLong(5));
        }
    }

    /** All records of a collection in the order of their rows, in one pass; the values are those of the moment, without lists. */
    void rows(CollectionInfo collection, BiConsumer<Row, PlainValues> each) {
        var values = new PlainValues();
        var last = new Row[1];
        database.each(
                ALL,
                row -> {
                    if (last[0] == null || last[0].number() != row.getLong(1)) {
                        if (last[0] != null) {
                            each.accept(last[0], values);
                        }
                        last[0] = Row.of(row);
                        values.clear();
                    }
                    values.add(row, 6);
                },
                collection.metadataSegment());
        if (last[0] != null) {
            each.accept(last[0], values);
        }
    }

    Found find(CollectionInfo collection, String id) {
        var exceptions = new HashMap<String, Register<MetadataValue>>();
        var deleted = new Stamp[] {Register.OLDEST};
        database.each(
                REGISTERS,
                row -> {
                    var stamp = stamps.stamp(row.getLong(3));
                    if (row.getInt(1) == OwnTables.DELETE) {
                        deleted[0] = stamp;
                    } else {
                        exceptions.put(row.getString(2), new Register<>(stamp, null));
                    }
                },
                collection.name(),
                id);
        return database.first(
                        RECORD, row -> new long[] {row.getLong(1), row.getLong(2)}, collection.metadataSegment(), id)
                .map(row -> new Found(row[0], registers(row[0], stamps.stamp(row[1]), exceptions, deleted[0])))
                .orElseGet(() -> new Found(0, new Registers(null, exceptions, deleted[0])));
    }

    private Registers registers(
            long row, Stamp written, Map<String, Register<MetadataValue>> exceptions, Stamp deleted) {
        values(row).forEach((key, value) -> {
            var exception = exceptions.get(key);
            exceptions.put(key, new Register<>(exception == null ? written : exception.stamp(), value));
        });
        return new Registers(new Register<>(written, () -> Floats.of(vectors.apply(row))), exceptions, deleted);
    }

    /** The row of {@code embeddings} of an id; 0 if it is not there. */
    long row(CollectionInfo collection, String id) {
        return database.number(ROW, collection.metadataSegment(), id);
    }

    /** Takes a record out of a digest, by its bytes as they are stored if nothing of it is out of the ordinary. */
    void subtract(RecordDigest digest, CollectionInfo collection, String id, long row, byte[] vector) {
        plain.clear();
        database.each(IN_ORDER, value -> plain.add(value, 1), row);
        if (plain.known() && (!lists || lists(row).isEmpty())) {
            digest.minus(plain.hash(
                    digest,
                    collection.name().getBytes(StandardCharsets.UTF_8),
                    id.getBytes(StandardCharsets.UTF_8),
                    vector));
        } else {
            digest.subtract(collection.name(), id, live(row, vector));
        }
    }

    /** Likewise, with the vector that is at hand for its row. */
    void subtract(RecordDigest digest, CollectionInfo collection, String id, long row) {
        subtract(digest, collection, id, row, vectors.apply(row));
    }

    /** As Chroma would return it. */
    Entry.Live live(long row, byte[] vector) {
        var values = values(row);
        var document = values.remove(Registers.DOCUMENT) instanceof MetadataValue.Text(String text) ? text : null;
        return new Entry.Live(Floats.of(vector), document, values);
    }

    private Map<String, MetadataValue> values(long id) {
        var values = new LinkedHashMap<String, MetadataValue>();
        database.each(
                VALUES,
                row -> {
                    var value = value(row);
                    if (value != null) {
                        values.put(row.getString(1), value);
                    }
                },
                id);
        if (lists) {
            lists(id).forEach((key, list) -> values.put(key, new MetadataValue.Many(list)));
        }
        return values;
    }

    /** The lists of a record, by key. */
    Map<String, List<MetadataValue>> lists(long id) {
        var many = new LinkedHashMap<String, List<MetadataValue>>();
        database.each(
                ELEMENTS,
                row -> {
                    var value = value(row);
                    if (value != null) {
                        many.computeIfAbsent(row.getString(1), key -> new ArrayList<>())
                                .add(value);
                    }
                },
                id);
        return many;
    }

    /** Null if the row holds nothing, as 0.6 leaves it for NaN. */
    private static @Nullable MetadataValue value(ResultSet row) throws SQLException {
        return StoredRecord.value(row, 2);
    }
}
