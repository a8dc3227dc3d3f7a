package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.FailureException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** An intermediate opened for reading; {@link IntermediateFiles} says what it looks like. */
final class Intermediate implements AutoCloseable {
    private final ChromaDatabase chroma;
    private final FoldDatabase database;
    private final StampTable stamps;
    private final RecordReader reader;

    Intermediate(Path directory) {
        chroma = ChromaDatabase.openTrusted(directory);
        database = beside(chroma, directory.resolve(SqliteFile.NAME));
        try {
            OwnTables.require(database);
            stamps = new StampTable(database);
            reader = new RecordReader(database, chroma.level(), stamps, this::vector);
        } catch (RuntimeException | Error e) {
            try (chroma;
                    database) {
                throw e;
            }
        }
    }

    /** The same file once more; if that fails, the first is not left open. */
    private static FoldDatabase beside(ChromaDatabase chroma, Path file) {
        try {
            return FoldDatabase.readOnly(file);
        } catch (RuntimeException | Error e) {
            try (chroma) {
                throw e;
            }
        }
    }

    private byte[] vector(long row) {
        long position = database.first(
                        "SELECT seq_id FROM embeddings WHERE id = ?", r -> SqliteFile.position(r, 1), row)
                .orElseThrow();
        return vector(row, position);
    }

    /**
     * The same, float32, little-endian.
     *
     * @param position of the record that has this row
     */
    byte[] vector(long row, long position) {
        return database.first("SELECT vector FROM embeddings_queue WHERE seq_id = ?", r -> r.getBytes(1), position)
                .orElseThrow(() -> FailureException.input(
                        "vector-missing",
                        "read " + database.file() + ": the WAL has no row " + position + " for record " + row));
    }

    Path file() {
        return database.file();
    }

    /** Of the file, vectors and all. */
    long bytes() {
        return database.size();
    }

    SchemaLevel level() {
        return chroma.level();
    }

    List<CollectionInfo> collections() {
        return chroma.collections();
    }

    CollectionDefinition definition(CollectionInfo info) {
        return CollectionDefinition.read(database, info);
    }

    Stamp definedBy(CollectionInfo info) {
        return stamps.stamp(database.number("SELECT ref FROM compactor_collection WHERE name = ?", info.name()));
    }

    List<Stamp> stamps() {
        return stamps.all();
    }

    /** By what its tables name them. */
    Map<Long, Stamp> stampsByRef() {
        return stamps.byRef();
    }

    RecordReader reader() {
        return reader;
    }

    /** What its own file was made from. */
    Seed container() {
        return Seed.of(database);
    }

    /** What a database that begins with its first input is made from. */
    Rooted seed() {
        return database.first(
                        "SELECT ref, definition FROM compactor_seed",
                        row -> new Rooted(Seed.unpack(row.getBytes(2)), stamps.stamp(row.getLong(1))))
                .orElseThrow(() -> FailureException.input(
                        "compactor-tables-invalid", "read " + database.file() + ": compactor_seed is empty"));
    }

    /** A seed and the input that it is from. */
    record Rooted(Seed seed, Stamp by) {}

    static IntermediateInfo describe(Path directory) {
        try (var intermediate = new Intermediate(directory)) {
            var stamps = intermediate.stamps();
            return new IntermediateInfo(
                    intermediate.seed().seed().level(),
                    stamps.getFirst(),
                    stamps.getLast(),
                    stamps.stream().map(Stamp::key).toList());
        }
    }

    @Override
    public void close() {
        try (chroma;
                database) {
            // Both, whatever the first does.
        }
    }
}
