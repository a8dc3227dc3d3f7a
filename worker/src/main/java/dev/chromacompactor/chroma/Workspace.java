package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The database that a fold writes, and what is known about it while it is open for writing.
 *
 * @param putOff statements that make the indexes of metadata values of a new database, until they are run
 */
record Workspace(
        FoldDatabase database,
        SchemaLevel level,
        StampTable stamps,
        FoldedCollections collections,
        RecordReader reader,
        RecordWriter writer,
        VectorScratch scratch,
        List<String> putOff)
        implements AutoCloseable {
    /** Up to here the values lie in SQLite's cache, and as much again is enough to sort them. */
    private static final long SORTED_IN_MEMORY = FoldDatabase.CACHE_BYTES / 2;

    /** A new one. Until {@link #complete} it has no index of metadata values: to keep them while values come costs more than to sort. */
    static Workspace create(Path file, Seed seed, SchemaLevel level, VectorScratch scratch) {
        return of(file, level, scratch, database -> create(seed, database, false));
    }

    /** @return what was put off */
    private static List<String> create(Seed seed, FoldDatabase database, boolean indexes) {
        seed.create(database);
        return indexes ? List.of() : database.dropIndexes("embedding_metadata");
    }

    /** The database of a base. What it holds of ours is kept or dropped, as {@code ours} says. */
    static Workspace onto(
            Path file, SchemaLevel level, List<CollectionInfo> collections, boolean ours, VectorScratch scratch) {
        var workspace = of(file, level, scratch, database -> {
            if (ours) {
                OwnTables.require(database);
            } else {
                OwnTables.drop(database);
                OwnTables.create(database);
            }
            return List.of();
        });
        collections.forEach(info -> workspace.collections.keep(info, Register.OLDEST));
        return workspace;
    }

    /**
     * A file that turns out to be of no use is not left open: nobody else could close it.
     *
     * @param preparation returns the statements that are put off
     */
    private static Workspace of(
            Path file, SchemaLevel level, VectorScratch scratch, Function<FoldDatabase, List<String>> preparation) {
        var database = FoldDatabase.writable(file);
        try {
            var putOff = new ArrayList<>(preparation.apply(database));
            var stamps = new StampTable(database);
            return new Workspace(
                    database,
                    level,
                    stamps,
                    new FoldedCollections(database, level),
                    new RecordReader(database, level, stamps, scratch::get),
                    new RecordWriter(database, level, stamps, scratch, lastPosition(database)),
                    scratch,
                    putOff);
        } catch (RuntimeException | Error e) {
            try (database) {
                throw e;
            }
        }
    }

    /** The highest position any segment or row of the WAL names; Chroma must never number below it. */
    private static long lastPosition(FoldDatabase database) {
        var last = new long[] {database.number("SELECT max(seq_id) FROM embeddings_queue")};
        database.each("SELECT seq_id FROM max_seq_id", row -> last[0] = Math.max(last[0], SqliteFile.position(row, 1)));
        return last[0];
    }

    /**
     * The same in a database of another level, made from {@code seed}: rows keep their numbers, so the scratch stays
     * valid. Closes this one.
     */
    Workspace movedTo(Seed seed, SchemaLevel to) {
        if (!to.listsAllowed() && level.listsAllowed()) {
            refuseLists(to);
        }
        var file = database.file();
        var beside = file.resolveSibling(file.getFileName() + ".next");
        List<String> later;
        database.commit();
        try (var next = FoldDatabase.writable(beside)) {
            later = create(seed, next, putOff.isEmpty());
            next.commit();
            next.update("ATTACH DATABASE ? AS old", file.toString());
            next.update("BEGIN");
            copyRecords(next, to.listsAllowed() && level.listsAllowed());
            for (CollectionInfo info : collections.all()) {
                CollectionDefinition.read(database, info).at(to, level).insert(next);
            }
            next.commit();
        }
        database.close();
        try {
            Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw FailureException.disk("move " + beside + " to " + file, e);
        }
        var moved = of(file, to, scratch, _ -> later);
        collections.all().forEach(info -> moved.collections.keep(info, collections.definedBy(info.name())));
        return moved;
    }

    private static void copyRecords(FoldDatabase next, boolean lists) {
        next.update("""
                INSERT INTO embeddings (id, segment_id, embedding_id, seq_id, created_at)
                SELECT id, segment_id, embedding_id, seq_id, created_at FROM old.embeddings""");
        next.update("""
                INSERT INTO embedding_metadata (id, key, string_value, int_value, float_value, bool_value)
                SELECT id, key, string_value, int_value, float_value, bool_value FROM old.embedding_metadata""");
        if (lists) {
            next.update("""
                    INSERT INTO embedding_metadata_array (id, key, string_value, int_value, float_value, bool_value)
                    SELECT id, key, string_value, int_value, float_value, bool_value
                    FROM old.embedding_metadata_array ORDER BY rowid""");
        }
        next.update("""
                INSERT INTO embedding_fulltext_search (rowid, string_value)
                SELECT rowid, string_value FROM old.embedding_fulltext_search""");
        for (String table : List.of("compactor_stamp", "compactor_record", "compactor_register")) {
            next.update("INSERT INTO main." + table + " SELECT * FROM old." + table);
        }
    }

    private void refuseLists(SchemaLevel to) {
        database.each("""
                SELECT c.name, e.embedding_id, a.key FROM embedding_metadata_array a
                JOIN embeddings e ON e.id = a.id JOIN segments s ON s.id = e.segment_id
                JOIN collections c ON c.id = s.collection LIMIT 1""", row -> {
            throw RecordWriter.listRefused(row.getString(1), row.getString(2), row.getString(3), to);
        });
    }

    /** Makes the indexes that were put off, and closes the file as what it is to be. */
    void complete() {
        makeIndexes();
        database.commit();
        database.closeCompacted();
    }

    private void makeIndexes() {
        putOff.forEach(database::update);
        putOff.clear();
    }

    /** Makes them already if so much is to come that to sort it all later would take too much memory. */
    void expect(long bytes) {
        if (!putOff.isEmpty() && database.size() + bytes > SORTED_IN_MEMORY) {
            makeIndexes();
        }
    }

    boolean lists() {
        return level.listsAllowed() && database.number("SELECT EXISTS (SELECT 1 FROM embedding_metadata_array)") == 1;
    }

    long records(CollectionInfo collection) {
        return database.number("SELECT count(*) FROM embeddings WHERE segment_id = ?", collection.metadataSegment());
    }

    List<Summary.CollectionSummary> summaries() {
        return collections.all().stream()
                .map(info -> new Summary.CollectionSummary(
                        info.name(),
                        info.id(),
                        info.dimension(),
                        info.space(),
                        records(info),
                        database.number(
                                "SELECT count(*) FROM compactor_register WHERE collection = ? AND kind = 0",
                                info.name())))
                .toList();
    }

    /** Numbers all records anew, in the order of their rows, from {@code first + 1}; returns the last position. */
    long renumber(long first) {
        var position = level.metadb() < 5 ? "unhex(printf('%016X', id + ?))" : "id + ?";
        database.update("UPDATE embeddings SET seq_id = " + position, first);
        return first + database.number("SELECT max(id) FROM embeddings");
    }

    void follow(String segment, long position) {
        database.update(
                "INSERT OR REPLACE INTO max_seq_id (segment_id, seq_id) VALUES (?, ?)",
                segment,
                RecordWriter.position(level, position));
    }

    static String topic(CollectionInfo collection) {
        return "persistent://default/default/" + collection.id();
    }

    @Override
    public void close() {
        database.close();
    }
}
