package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/**
 * Turns a workspace into an intermediate: a Chroma database of one file. Its tables hold the records, its WAL the deletes
 * (first, so that they hit nothing that was added anew) and then each record once, with vector and metadata. No index has
 * followed the WAL yet, so Chroma reads the vectors from there. {@link OwnTables} hold what a join needs beyond that.
 */
final class IntermediateFiles {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int UPSERT = 2;
    private static final int DELETE = 3;
    private static final String DELETES =
            "SELECT id, ref FROM compactor_register WHERE collection = ? AND kind = 0 ORDER BY id";
    private static final String LOG_DELETE =
            "INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id) VALUES (?, ?, ?, ?, ?)";
    private static final String LOG_UPSERT =
            "INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id, vector, encoding, metadata)"
                    + " VALUES (?, ?, ?, ?, ?, ?, 'FLOAT32', CAST(? AS TEXT))";

    private final Workspace workspace;
    private final FoldDatabase database;
    private final boolean lists;
    private final ByteArrayOutputStream buffer = new ByteArrayOutputStream(1 << 12);
    private long deletes;

    private IntermediateFiles(Workspace workspace) {
        this.workspace = workspace;
        this.database = workspace.database();
        this.lists = workspace.lists();
    }

    static void finish(Workspace workspace, Intermediate.Rooted seed) {
        var files = new IntermediateFiles(workspace);
        // Vectors will lie there twice: deltas that were folded and deleted give back their space before.
        files.database.detach();
        var collections = workspace.collections().all();
        for (CollectionInfo info : collections) {
            files.database.each(DELETES, row -> files.logDelete(info, row), info.name());
        }
        long end = workspace.renumber(files.deletes);
        for (CollectionInfo info : collections) {
            workspace.reader().rows(info, (row, values) -> files.logUpsert(info, row, values));
            if (end > 0) {
                workspace.follow(info.metadataSegment(), end);
            }
            files.database.update(
                    "INSERT INTO compactor_collection (name, ref) VALUES (?, ?)",
                    info.name(),
                    workspace.stamps().ref(workspace.collections().definedBy(info.name())));
        }
        files.database.update(
                "INSERT INTO compactor_seed (ref, definition) VALUES (?, ?)",
                workspace.stamps().ref(seed.by()),
                seed.seed().pack());
    }

    private void logDelete(CollectionInfo info, ResultSet row) throws SQLException {
        var time = RecordWriter.time(workspace.stamps().stamp(row.getLong(2)));
        database.update(LOG_DELETE, ++deletes, time, DELETE, Workspace.topic(info), row.getString(1));
    }

    private void logUpsert(CollectionInfo info, RecordReader.Row row, PlainValues values) {
        var vector = new byte[Float.BYTES * requireNonNull(info.dimension())];
        workspace.scratch().copy(row.number(), MemorySegment.ofArray(vector));
        database.update(
                LOG_UPSERT,
                // The position that renumbering gave the record.
                deletes + row.number(),
                row.createdAt(),
                UPSERT,
                Workspace.topic(info),
                row.id(),
                vector,
                json(values, lists ? workspace.reader().lists(row.number()) : Map.of()));
    }

    /**
     * A record's metadata as Chroma writes it, in UTF-8. Infinities are left out, JSON has none: 1.x cannot open a collection with
     * a bare {@code Infinity} in its WAL, and the tables hold the value anyway.
     */
    private byte[] json(PlainValues values, Map<String, List<MetadataValue>> lists) {
        buffer.reset();
        try (var json = JSON.createGenerator(buffer)) {
            json.writeStartObject();
            values.writeTo(json);
            for (var list : lists.entrySet()) {
                if (list.getValue().stream().allMatch(IntermediateFiles::isFinite)) {
                    json.writeArrayFieldStart(list.getKey());
                    for (MetadataValue element : list.getValue()) {
                        write(json, element);
                    }
                    json.writeEndArray();
                }
            }
            byte[] document = values.document();
            if (document != null) {
                json.writeFieldName(Registers.DOCUMENT);
                json.writeUTF8String(document, 0, document.length);
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("write into memory", e);
        }
        return buffer.toByteArray();
    }

    private static boolean isFinite(MetadataValue value) {
        return !(value instanceof MetadataValue.Real(double real)) || Double.isFinite(real);
    }

    private static void write(JsonGenerator json, MetadataValue element) throws IOException {
        switch (element) {
            case MetadataValue.Text(String text) -> json.writeString(text);
            case MetadataValue.Whole(long whole) -> json.writeNumber(whole);
            case MetadataValue.Flag(boolean flag) -> json.writeBoolean(flag);
            case MetadataValue.Real(double real) -> json.writeNumber(real);
            case MetadataValue.Many _ -> throw new IllegalStateException("a list in a list");
        }
    }
}
