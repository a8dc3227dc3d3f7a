package dev.chromacompactor.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.chroma.Entry;
import dev.chromacompactor.chroma.MetadataValue;
import dev.chromacompactor.chroma.RecordDigest;
import dev.chromacompactor.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A delta of a few records: a database of real Chroma whose records are replaced by operations in its write-ahead log,
 * as Chroma leaves them before its segments catch up. Knows what one Chroma would hold after several of them.
 */
final class SmallDelta {
    private static final int DIMENSION = 32;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** @param vector seed of the vector; null: a delete */
    private record Operation(String id, @Nullable Integer vector, Map<String, @Nullable Object> metadata) {}

    final Instant written;
    private final List<Operation> operations = new ArrayList<>();
    private String level = "1.5.9";
    private String collection = "words";

    private SmallDelta(Instant written) {
        this.written = written;
    }

    static SmallDelta writtenAt(Instant written) {
        return new SmallDelta(written);
    }

    SmallDelta upsert(String id, int vector, Object... keysAndValues) {
        var metadata = new LinkedHashMap<String, @Nullable Object>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            metadata.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        operations.add(new Operation(id, vector, metadata));
        return this;
    }

    /** Removes a key of a record, as an upsert with a null does. */
    SmallDelta upsertWithout(String id, int vector, String key) {
        var metadata = new LinkedHashMap<String, @Nullable Object>();
        metadata.put(key, null);
        operations.add(new Operation(id, vector, metadata));
        return this;
    }

    SmallDelta delete(String id) {
        operations.add(new Operation(id, null, Map.of()));
        return this;
    }

    SmallDelta by(String chroma) {
        level = chroma;
        return this;
    }

    SmallDelta in(String name) {
        collection = name;
        return this;
    }

    /** Random operations on a handful of ids. */
    static SmallDelta random(Random random, Instant written) {
        var delta = new SmallDelta(written);
        for (int i = 0; i < 5; i++) {
            String id = "id" + random.nextInt(6);
            switch (random.nextInt(5)) {
                case 0 -> delta.delete(id);
                case 1 -> delta.upsertWithout(id, random.nextInt(100), "k" + random.nextInt(3));
                default ->
                    delta.upsert(
                            id,
                            random.nextInt(100),
                            "k" + random.nextInt(3),
                            random.nextInt(100),
                            "chroma:document",
                            "text " + random.nextInt(100));
            }
        }
        return delta;
    }

    /** Writes it below {@code key}, a prefix with a trailing slash. */
    SmallDelta put(ObjectStore store, String key, Path scratch) {
        try {
            Path directory = ChromaFixtures.unpack(level, "small_wal", Files.createTempDirectory(scratch, "delta"));
            try (var database = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("chroma.sqlite3"))) {
                try (var statement = database.createStatement()) {
                    for (String table : List.of("embeddings", "embedding_metadata", "embedding_fulltext_search")) {
                        statement.execute("DELETE FROM " + table);
                    }
                    statement.execute("CREATE TEMP TABLE topic AS SELECT topic FROM embeddings_queue LIMIT 1");
                    statement.execute("DELETE FROM embeddings_queue");
                    statement.execute("DELETE FROM max_seq_id");
                    statement.execute("UPDATE collections SET name = '" + collection + "'");
                }
                try (var insert = database.prepareStatement(
                        "INSERT INTO embeddings_queue (created_at, operation, topic, id, vector, encoding, metadata)"
                                + " SELECT ?, ?, topic, ?, ?, ?, ? FROM topic")) {
                    for (Operation operation : operations) {
                        insert.setString(
                                1,
                                DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss")
                                        .withZone(ZoneOffset.UTC)
                                        .format(written));
                        insert.setInt(2, operation.vector() == null ? 3 : 2);
                        insert.setString(3, operation.id());
                        insert.setBytes(4, operation.vector() == null ? null : bytes(vector(operation.vector())));
                        insert.setString(5, operation.vector() == null ? null : "FLOAT32");
                        insert.setString(
                                6,
                                operation.metadata().isEmpty() ? null : JSON.writeValueAsString(operation.metadata()));
                        insert.execute();
                    }
                }
                try (var statement = database.createStatement()) {
                    statement.execute("DROP TABLE topic");
                    statement.execute("VACUUM");
                }
            }
            upload(store, key, directory);
            return this;
        } catch (SQLException | JsonProcessingException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every file of a directory below {@code key}; the directory is gone afterwards. */
    static void upload(ObjectStore store, String key, Path directory) throws IOException {
        try (var all = Files.walk(directory)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                store.put(key + directory.relativize(file), file);
            }
        }
        try (var all = Files.walk(directory)) {
            for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** The digest of what one Chroma holds after these deltas, one after the other. */
    static String digest(String collection, List<SmallDelta> inOrder) {
        var digest = new RecordDigest();
        held(inOrder).forEach((id, live) -> digest.add(collection, id, live));
        return digest.value();
    }

    static Map<String, Entry.Live> held(List<SmallDelta> inOrder) {
        var held = new TreeMap<String, Entry.Live>();
        for (SmallDelta delta : inOrder) {
            for (Operation operation : delta.operations) {
                if (operation.vector() == null) {
                    held.remove(operation.id());
                    continue;
                }
                var before = held.get(operation.id());
                var metadata = new HashMap<String, MetadataValue>(before == null ? Map.of() : before.metadata());
                var document = before == null ? null : before.document();
                for (var each : operation.metadata().entrySet()) {
                    Object value = each.getValue();
                    if (value == null) {
                        metadata.remove(each.getKey());
                    } else if (each.getKey().equals("chroma:document")) {
                        document = (String) value;
                    } else if (value instanceof Integer number) {
                        metadata.put(each.getKey(), new MetadataValue.Whole(number));
                    } else {
                        metadata.put(each.getKey(), new MetadataValue.Text((String) value));
                    }
                }
                held.put(
                        operation.id(),
                        new Entry.Live(vector(Objects.requireNonNull(operation.vector())), document, metadata));
            }
        }
        return held;
    }

    private static float[] vector(int seed) {
        var random = new Random(seed);
        var vector = new float[DIMENSION];
        for (int i = 0; i < DIMENSION; i++) {
            vector[i] = random.nextFloat();
        }
        return vector;
    }

    private static byte[] bytes(float[] vector) {
        var bytes = ByteBuffer.allocate(4 * vector.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : vector) {
            bytes.putFloat(x);
        }
        return bytes.array();
    }
}
