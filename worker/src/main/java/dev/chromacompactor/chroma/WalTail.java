package dev.chromacompactor.chroma;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a base has in its WAL beyond one of its segments: a client wrote it and left before the next sync. */
final class WalTail {
    /** @param entry the final state of an id that such a row names */
    private record Late(CollectionInfo collection, Entry entry) {}

    private final List<Late> all = new ArrayList<>();

    private WalTail() {}

    static WalTail of(ChromaDatabase base) {
        var tail = new WalTail();
        Path file = base.directory().resolve(SqliteFile.NAME);
        for (CollectionInfo collection : base.collections()) {
            Set<String> ids = ids(file, collection);
            if (!ids.isEmpty()) {
                base.entries(collection, entry -> {
                    if (ids.contains(entry.id())) {
                        tail.all.add(new Late(collection, entry));
                    }
                });
            }
        }
        return tail;
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Writes it into the tables, older than every input. */
    void into(Workspace base) {
        for (Late late : all) {
            var stored = base.reader().find(late.collection(), late.entry().id());
            base.writer()
                    .write(late.collection(), late.entry().id(), stored, Registers.of(late.entry(), Register.OLDEST));
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
