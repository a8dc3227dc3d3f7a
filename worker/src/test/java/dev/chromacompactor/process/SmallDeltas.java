package dev.chromacompactor.process;

import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.store.ObjectStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;

/** Deltas that real Chroma wrote, each with ids of its own, so that a lost one shows in the number of records. */
final class SmallDeltas {
    /** In one delta. */
    static final int RECORDS = 60;

    private SmallDeltas() {}

    /** Puts {@code many} deltas below {@code <database>/delta/}; their keys. */
    static List<String> put(ObjectStore bucket, String database, int many, Path directory) throws Exception {
        var unpacked = ChromaFixtures.unpack("1.5.9", "small_wal", directory.resolve("fixture"));
        var keys = new ArrayList<String>();
        for (int i = 0; i < many; i++) {
            var file = directory.resolve("delta.sqlite3");
            Files.copy(unpacked.resolve("chroma.sqlite3"), file);
            rename(file, "#" + i);
            var key = "%s/delta/%04d/".formatted(database, i);
            var _ = bucket.put(key + "chroma.sqlite3", file);
            Files.delete(file);
            keys.add(key);
        }
        return keys;
    }

    private static void rename(Path file, String suffix) throws Exception {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            statement.execute("PRAGMA synchronous=OFF");
            statement.execute("PRAGMA journal_mode=MEMORY");
            statement.executeUpdate("UPDATE embeddings SET embedding_id = embedding_id || '" + suffix + "'");
            statement.executeUpdate("UPDATE embeddings_queue SET id = id || '" + suffix + "'");
        }
    }
}
