package dev.chromacompactor.chroma;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a base has in its WAL beyond one of its segments: a client wrote it and left before the next sync. */
final class WalTail {
    /** @param entry the final state of an id that such a row names */
    private record Late(CollectionInfo collection, Entry entry) {}

    private final List<Late> all = new ArrayList<>();

    private WalTail() {}

    static WalTail of(ChromaDatabase base) {
        var tail = new WalTail();
        Map<String, Set<String>> ids = ids(base);
        for (CollectionInfo collection : base.collections()) {
            Set<String> late = ids.getOrDefault(collection.id(), Set.of());
            if (!late.isEmpty()) {
                base.entries(collection, entry -> {
                    if (late.contains(entry.id())) {
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

    /** By id of the collection. */
    private static Map<String, Set<String>> ids(ChromaDatabase base) {
        try (var tables = base.tables()) {
            Map<String, Long> followed = new HashMap<>();
            for (CollectionInfo each : base.collections()) {
                long vectors = position(tables, each.vectorSegment());
                followed.put(each.id(), Math.min(vectors, position(tables, each.metadataSegment())));
            }
            Map<String, Set<String>> ids = new HashMap<>();
            long byAll = followed.values().stream().min(Long::compare).orElse(0L);
            tables.each(
                    "SELECT seq_id, id, topic FROM embeddings_queue WHERE seq_id > ?",
                    row -> {
                        String collection = WalLog.collection(row.getString(3));
                        if (row.getLong(1) > followed.getOrDefault(collection, Long.MAX_VALUE)) {
                            ids.computeIfAbsent(collection, _ -> new HashSet<>())
                                    .add(row.getString(2));
                        }
                    },
                    byAll);
            return ids;
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
