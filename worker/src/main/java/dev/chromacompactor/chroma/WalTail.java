package dev.chromacompactor.chroma;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/** What a base has in its WAL beyond one of its segments: a client wrote it and left before the next sync. */
final class WalTail {
    private WalTail() {}

    /** Gives the final state of each id of the collection that such a row names. */
    static void read(ChromaDatabase base, CollectionInfo collection, Consumer<Entry> each) {
        Set<String> ids = ids(base.directory().resolve(SqliteFile.NAME), collection);
        if (!ids.isEmpty()) {
            base.entries(collection, entry -> {
                if (ids.contains(entry.id())) {
                    each.accept(entry);
                }
            });
        }
    }

    private static Set<String> ids(Path file, CollectionInfo collection) {
        try (var database = FoldDatabase.readOnly(file)) {
            long followed = Math.min(
                    position(database, collection.vectorSegment()), position(database, collection.metadataSegment()));
            return new HashSet<>(database.list(
                    "SELECT DISTINCT id FROM embeddings_queue WHERE topic LIKE '%/' || ? AND seq_id > ?",
                    row -> row.getString(1), collection.id(), followed));
        }
    }

    private static long position(FoldDatabase database, String segment) {
        return database.first(
                        "SELECT seq_id FROM max_seq_id WHERE segment_id = ?",
                        row -> SqliteFile.position(row, 1),
                        segment)
                .orElse(0L);
    }
}
