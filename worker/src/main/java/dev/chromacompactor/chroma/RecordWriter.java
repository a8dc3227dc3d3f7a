package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.failure.FailureException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes records as Chroma does: {@code embeddings}, one row of {@code embedding_metadata} per key, lists exploded in
 * {@code embedding_metadata_array}, the document also in the full text index under the same row number; and the stamps
 * into {@link OwnTables}. Vectors go to the scratch.
 */
final class RecordWriter {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneOffset.UTC);
    /** In place of the row without a value that 0.6 leaves for NaN, if there is one. */
    private static final String INSERT_VALUE =
            "INSERT OR REPLACE INTO embedding_metadata (id, key, string_value, int_value, float_value, bool_value)"
                    + " VALUES (?, ?, ?, ?, ?, ?)";

    private static final String INSERT_ELEMENT =
            "INSERT INTO embedding_metadata_array (id, key, string_value, int_value, float_value, bool_value)"
                    + " VALUES (?, ?, ?, ?, ?, ?)";

    private final FoldDatabase database;
    private final SchemaLevel level;
    private final StampTable stamps;
    private final VectorScratch scratch;
    private long lastRow;
    private long position;

    /** @param position the last position of the WAL that is taken */
    RecordWriter(FoldDatabase database, SchemaLevel level, StampTable stamps, VectorScratch scratch, long position) {
        this.database = database;
        this.level = level;
        this.stamps = stamps;
        this.scratch = scratch;
        this.position = position;
        this.lastRow = database.number("SELECT max(id) FROM embeddings");
    }

    /** The last position that a record was written at. */
    long position() {
        return position;
    }

    /** A number for one more record. */
    long nextRow() {
        return ++lastRow;
    }

    /** A position for one more write. */
    long nextPosition() {
        return ++position;
    }

    /** Turns what is stored of an id into {@code after}. */
    void write(CollectionInfo collection, String id, RecordReader.Found stored, Registers after) {
        var before = stored.registers();
        var vector = after.vector();
        long row = stored.row();
        if (vector == null) {
            if (row != 0) {
                remove(row);
            }
        } else {
            row = row == 0 ? insert(collection, id, vector.stamp()) : row;
            if (!vector.equals(before.vector())) {
                putVector(collection, id, row, requireNonNull(vector.value()).get());
                if (stored.row() != 0) {
                    database.update("UPDATE embeddings SET seq_id = ? WHERE id = ?", position(level, ++position), row);
                }
            }
            values(collection, id, row, before, after);
            recordStamp(row, before, vector.stamp());
        }
        exceptions(collection, id, before, after);
    }

    private long insert(CollectionInfo collection, String id, Stamp stamp) {
        long row = nextRow();
        database.update(
                "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id, created_at) VALUES (?, ?, ?, ?, ?)",
                row,
                collection.metadataSegment(),
                id,
                position(level, nextPosition()),
                time(stamp));
        return row;
    }

    private void remove(long row) {
        database.update("DELETE FROM embedding_fulltext_search WHERE rowid = ?", row);
        database.update("DELETE FROM embedding_metadata WHERE id = ?", row);
        if (level.listsAllowed()) {
            database.update("DELETE FROM embedding_metadata_array WHERE id = ?", row);
        }
        database.update("DELETE FROM embeddings WHERE id = ?", row);
        database.update("DELETE FROM compactor_record WHERE embedding = ?", row);
        scratch.remove(row);
    }

    private void putVector(CollectionInfo collection, String id, long row, float[] vector) {
        if (collection.dimension() == null || vector.length != collection.dimension()) {
            throw FailureException.input(
                    "dimension-mismatch",
                    "merge into collection %s: it has dimension %s, the vector of id %s has %d"
                            .formatted(collection.name(), collection.dimension(), id, vector.length));
        }
        scratch.put(row, vector);
    }

    private void values(CollectionInfo collection, String id, long row, Registers before, Registers after) {
        var old = before.exists() ? before.values() : Map.<String, Register<MetadataValue>>of();
        var now = after.values();
        old.forEach((key, register) -> {
            var kept = now.get(key);
            if (kept == null || !value(kept).equals(value(register))) {
                removeValue(row, key, value(register));
            }
        });
        now.forEach((key, register) -> {
            var was = old.get(key);
            if (was == null || !value(was).equals(value(register))) {
                putValue(collection, id, row, key, value(register));
            }
        });
    }

    private static MetadataValue value(Register<MetadataValue> register) {
        return requireNonNull(register.value());
    }

    private void removeValue(long row, String key, MetadataValue value) {
        var table = value instanceof MetadataValue.Many ? "embedding_metadata_array" : "embedding_metadata";
        database.update("DELETE FROM " + table + " WHERE id = ? AND key = ?", row, key);
        if (key.equals(Registers.DOCUMENT)) {
            database.update("DELETE FROM embedding_fulltext_search WHERE rowid = ?", row);
        }
    }

    private void putValue(CollectionInfo collection, String id, long row, String key, MetadataValue value) {
        if (value instanceof MetadataValue.Many(var elements)) {
            if (!level.listsAllowed()) {
                throw listRefused(collection.name(), id, key, level);
            }
            elements.forEach(element -> put(INSERT_ELEMENT, row, key, element));
            return;
        }
        put(INSERT_VALUE, row, key, value);
        if (key.equals(Registers.DOCUMENT) && value instanceof MetadataValue.Text(String text)) {
            database.update("INSERT INTO embedding_fulltext_search (rowid, string_value) VALUES (?, ?)", row, text);
        }
    }

    static FailureException listRefused(String collection, String id, String key, SchemaLevel level) {
        return FailureException.input(
                "schema-level-too-low",
                "merge into collection %s: metadata key %s of id %s is a list, which a database of level %s cannot hold"
                        .formatted(collection, key, id, level));
    }

    private void put(String sql, long row, String key, MetadataValue value) {
        switch (value) {
            case MetadataValue.Text(String text) -> database.update(sql, row, key, text, null, null, null);
            case MetadataValue.Whole(long whole) -> database.update(sql, row, key, null, whole, null, null);
            case MetadataValue.Real(double real) -> database.update(sql, row, key, null, null, real, null);
            case MetadataValue.Flag(boolean flag) -> database.update(sql, row, key, null, null, null, flag ? 1 : 0);
            case MetadataValue.Many _ -> throw new IllegalArgumentException("a list in a list: " + key);
        }
    }

    private void recordStamp(long row, Registers before, Stamp stamp) {
        var old = before.vector();
        if (old != null && old.stamp().equals(stamp)) {
            return;
        }
        long ref = stamps.ref(stamp);
        if (ref == StampTable.OLDEST) {
            database.update("DELETE FROM compactor_record WHERE embedding = ?", row);
        } else {
            database.update("INSERT OR REPLACE INTO compactor_record (embedding, ref) VALUES (?, ?)", row, ref);
        }
    }

    /** The registers that need a row of their own. */
    private void exceptions(CollectionInfo collection, String id, Registers before, Registers after) {
        var old = exceptions(before);
        var now = exceptions(after);
        if (old.equals(now) && before.deleted().equals(after.deleted())) {
            return;
        }
        if (!old.isEmpty() || !before.deleted().equals(Register.OLDEST)) {
            database.update("DELETE FROM compactor_register WHERE collection = ? AND id = ?", collection.name(), id);
        }
        if (!after.deleted().equals(Register.OLDEST)) {
            register(collection, id, OwnTables.DELETE, "", new Register<>(after.deleted(), null));
        }
        now.forEach((key, register) -> register(collection, id, OwnTables.KEY, key, register));
    }

    private void register(
            CollectionInfo collection, String id, int kind, String key, Register<MetadataValue> register) {
        database.update(
                "INSERT INTO compactor_register (collection, id, kind, key, removed, ref) VALUES (?, ?, ?, ?, ?, ?)",
                collection.name(),
                id,
                kind,
                key,
                register.removed() ? 1 : 0,
                stamps.ref(register.stamp()));
    }

    private static Map<String, Register<MetadataValue>> exceptions(Registers registers) {
        var record = registers.vector();
        var exceptions = new HashMap<>(registers.keys());
        exceptions
                .values()
                .removeIf(register ->
                        !register.removed() && (record == null || record.stamp().equals(register.stamp())));
        return exceptions;
    }

    /** A position as {@code embeddings} and {@code max_seq_id} of this level hold it: before metadb 5, 8 bytes big-endian. */
    static Object position(SchemaLevel level, long position) {
        return level.metadb() < 5
                ? ByteBuffer.allocate(Long.BYTES).putLong(position).array()
                : (Object) position;
    }

    /** As SQLite's {@code CURRENT_TIMESTAMP} writes it; null stands for now. */
    static String time(Stamp stamp) {
        long millis = stamp.equals(Register.OLDEST) ? 0 : stamp.millis();
        return TIME.format(Instant.ofEpochMilli(millis));
    }
}
