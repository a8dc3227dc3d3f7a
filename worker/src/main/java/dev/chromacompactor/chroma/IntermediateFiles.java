package dev.chromacompactor.chroma;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Turns a workspace into an intermediate: a Chroma database of one file. Its tables hold the records, its WAL the deletes
 * (first, so that they hit nothing that was added anew) and then each record once, with vector and metadata. No index has
 * followed the WAL yet, so Chroma reads the vectors from there. {@link OwnTables} hold what a join needs beyond that.
 */
final class IntermediateFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int UPSERT = 2;
    private static final int DELETE = 3;
    private static final String DELETES =
            "SELECT id, ref FROM compactor_register WHERE collection = ? AND kind = 0 ORDER BY id";
    private static final String RECORDS = "SELECT id, embedding_id, created_at FROM embeddings WHERE segment_id = ?";
    private static final String LOG_DELETE =
            "INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id) VALUES (?, ?, ?, ?, ?)";
    private static final String LOG_UPSERT =
            "INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id, vector, encoding, metadata)"
                    + " VALUES (?, ?, ?, ?, ?, ?, 'FLOAT32', ?)";

    private final Workspace workspace;
    private final FoldDatabase database;
    private long deletes;

    private IntermediateFiles(Workspace workspace) {
        this.workspace = workspace;
        this.database = workspace.database();
    }

    static void finish(Workspace workspace, Intermediate.Rooted seed) {
        var files = new IntermediateFiles(workspace);
        var collections = workspace.collections().all();
        for (CollectionInfo info : collections) {
            files.database.each(DELETES, row -> files.logDelete(info, row), info.name());
        }
        long end = workspace.renumber(files.deletes);
        for (CollectionInfo info : collections) {
            files.database.each(RECORDS, row -> files.logUpsert(info, row), info.metadataSegment());
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

    private void logUpsert(CollectionInfo info, ResultSet row) throws SQLException {
        long number = row.getLong(1);
        var id = row.getString(2);
        var live = workspace.reader().live(number);
        // The position that renumbering gave the record.
        long position = deletes + number;
        database.update(
                LOG_UPSERT,
                position,
                row.getString(3),
                UPSERT,
                Workspace.topic(info),
                id,
                bytes(live.vector()),
                json(live));
    }

    private static byte[] bytes(float[] vector) {
        var bytes = ByteBuffer.allocate(Float.BYTES * vector.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return bytes.array();
    }

    /**
     * A row's metadata as Chroma writes it. Infinities are left out, JSON has none: 1.x cannot open a collection with a
     * bare {@code Infinity} in its WAL, and the tables hold the value anyway.
     */
    private static String json(Entry.Live live) {
        var object = JSON.createObjectNode();
        live.metadata().forEach((key, value) -> put(object, key, value));
        if (live.document() != null) {
            object.put(Registers.DOCUMENT, live.document());
        }
        return object.toString();
    }

    private static void put(ObjectNode object, String key, MetadataValue value) {
        switch (value) {
            case MetadataValue.Text(String text) -> object.put(key, text);
            case MetadataValue.Whole(long whole) -> object.put(key, whole);
            case MetadataValue.Flag(boolean flag) -> object.put(key, flag);
            case MetadataValue.Real(double real) -> {
                if (Double.isFinite(real)) {
                    object.put(key, real);
                }
            }
            case MetadataValue.Many(var values) -> {
                ArrayNode array = JSON.createArrayNode();
                var element = JSON.createObjectNode();
                values.forEach(one -> {
                    put(element, key, one);
                    if (element.has(key)) {
                        array.add(element.remove(key));
                    }
                });
                if (array.size() == values.size()) {
                    object.set(key, array);
                }
            }
        }
    }
}
