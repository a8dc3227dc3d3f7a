package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.chroma.hnsw.HnswIndex;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One Chroma directory, as chromadb 0.5 to 1.5 write it: {@code chroma.sqlite3} and a folder per vector index. Opened
 * read-only; the directory is never changed, and nobody else may change it meanwhile. Not thread-safe.
 *
 * <p>What is wrong with the files is a {@code FailureException} with blame INPUT whose message names the file, row or id;
 * {@link #entries} throws the same for a database that was only trusted.
 */
public final class ChromaDatabase implements AutoCloseable {
    private final Path directory;
    private final SqliteFile file;
    private final SchemaLevel level;
    private final List<CollectionInfo> collections;
    private final Map<CollectionInfo, Segments> segments = new HashMap<>();
    private final Map<Wanted, PlainRecords> plain = new HashMap<>();
    private @Nullable Map<String, WalLog> wal;
    private boolean unread;
    private @Nullable Map<CollectionInfo, Long> missing;

    /** @param name of the collection that {@code collection} is folded into */
    private record Wanted(CollectionInfo collection, String name, VectorScratch scratch) {}

    private ChromaDatabase(Path directory, SqliteFile file) {
        this.directory = directory;
        this.file = file;
        var catalogue = new Catalogue(file);
        this.level = catalogue.level();
        this.collections = catalogue.collections(level);
    }

    /**
     * Opens and checks everything: pages, schema, references, WAL, index structure, dimensions, and that tables, index
     * and WAL agree on every id. Reads all vectors once.
     */
    public static ChromaDatabase open(Path directory) {
        ChromaDatabase database = openUnread(directory, true);
        try {
            database.requireSound();
            return database;
        } catch (RuntimeException | Error e) {
            try (database) {
                throw e;
            }
        }
    }

    /**
     * Checks pages, schema and references, which takes no look at the records. What it finds sound may be folded by way of
     * {@link #openUnread}.
     */
    public static void checkTables(Path directory) {
        openChecked(directory).close();
    }

    /** Likewise, and leaves it open: {@link Fold#apply} checks the rest while it reads. */
    public static ChromaDatabase openChecked(Path directory) {
        return openUnread(directory, true);
    }

    /** Opens what {@link #checkTables} found sound: {@link Fold#apply} checks the rest while it reads. */
    public static ChromaDatabase openUnread(Path directory) {
        return openUnread(directory, false);
    }

    private static ChromaDatabase openUnread(Path directory, boolean checkTables) {
        ChromaDatabase database = load(directory, checkTables);
        database.unread = true;
        if (checkTables) {
            try {
                new Validation(database.file, database.level).references();
            } catch (RuntimeException | Error e) {
                try (database) {
                    throw e;
                }
            }
        }
        return database;
    }

    /** Opens after a look at header, schema level and catalogue only: for files that were checked when we wrote them. */
    public static ChromaDatabase openTrusted(Path directory) {
        return load(directory, false);
    }

    /** Rows of records and of the WAL: what opening keeps in memory grows with them. Looks at nothing else. */
    public static long rows(Path directory) {
        try (SqliteFile file = SqliteFile.open(directory)) {
            return file.number("count records", "SELECT count(*) FROM embeddings")
                    + file.number("count the WAL", "SELECT count(*) FROM embeddings_queue");
        }
    }

    private static ChromaDatabase load(Path directory, boolean checkPages) {
        SqliteFile file = SqliteFile.open(directory);
        try {
            if (checkPages) {
                file.quickCheck();
            }
            return new ChromaDatabase(directory, file);
        } catch (RuntimeException | Error e) {
            try (file) {
                throw e;
            }
        }
    }

    /** Checks the records, unless that was done. */
    void requireSound() {
        if (unread) {
            var validation = new Validation(file, level);
            collections.forEach(collection -> validation.collection(segments(collection)));
            unread = false;
        }
    }

    /** Reads what {@link #plain} will be asked for if this is folded; vectors go into {@code scratch}. */
    void readAhead(@Nullable String renameTo, VectorScratch scratch) {
        for (CollectionInfo collection : collections) {
            var wanted = new Wanted(collection, Fold.name(collections, collection, renameTo), scratch);
            plain.put(wanted, readPlain(wanted));
        }
        file.releaseCache();
    }

    /** The records that need only be copied, their vectors in {@code scratch}; what is not sound is refused. */
    PlainRecords plain(CollectionInfo collection, String name, VectorScratch scratch) {
        var wanted = new Wanted(collection, name, scratch);
        PlainRecords ahead = plain.remove(wanted);
        return ahead == null ? readPlain(wanted) : ahead;
    }

    private PlainRecords readPlain(Wanted wanted) {
        PlainRecords records;
        try {
            Segments both = segments(wanted.collection());
            if (unread && both.index() != null) {
                both.index().check();
            }
            records = new PlainReader(file, level, both).read(wanted.name(), wanted.scratch());
        } catch (FailureException e) {
            // Whoever checks every row says more exactly what is wrong with them.
            requireSound();
            throw e;
        }
        if (records.doubtful()) {
            requireSound();
        }
        return records;
    }

    /**
     * What {@link #open} checks beyond {@link #checkTables}, and that every live node of its indexes can be reached and is linked to: what we
     * promise of our own.
     *
     * @param touched what was changed in a base that was proven before; null: everything was
     */
    void prove(@Nullable Touched touched) {
        var validation = new Validation(file, level);
        collections.forEach(collection -> validation.own(segments(collection), touched));
    }

    /** Open as long as this is; null if the collection has none. */
    @Nullable
    HnswIndex index(CollectionInfo collection) {
        return segments(collection).index();
    }

    /** The same file to be asked in other words; closing it leaves this open. */
    FoldDatabase tables() {
        return FoldDatabase.over(file.path(), file.connection());
    }

    public Path directory() {
        return directory;
    }

    public SchemaLevel level() {
        return level;
    }

    /** All collections, by name. */
    public List<CollectionInfo> collections() {
        return collections;
    }

    /** How many records Chroma would count. */
    public long records(CollectionInfo collection) {
        Segments both = segments(collection);
        long count = file.number(
                "count records", "SELECT count(*) FROM embeddings WHERE segment_id = ?", collection.metadataSegment());
        for (String id : both.wal().ids()) {
            if (both.wal().of(id).getLast().position() > both.metadataPosition()) {
                boolean inTable = both.inTable(file, id);
                count += (both.hasMetadata(id, inTable) ? 1 : 0) - (inTable ? 1 : 0);
            }
        }
        return count;
    }

    /** When the newest operation was written, by the producer's clock, UTC; empty if the WAL holds no time. */
    public OptionalLong writtenAtMillis() {
        long millis = file.number(
                "read the time of the last operation",
                "SELECT CAST(round(max(unixepoch(created_at, 'subsec')) * 1000) AS INTEGER) FROM embeddings_queue");
        return millis == 0 ? OptionalLong.empty() : OptionalLong.of(millis);
    }

    /**
     * What this database says about the ids of a collection: live records, keys that a null in the WAL removed, deletes
     * still in the WAL, also of ids it never held. Streams; the order is that of insertion. Once per id.
     */
    public void entries(CollectionInfo collection, Consumer<Entry> each) {
        RowRange range = RowRange.of(file, collection);
        read(collection, reader -> reader.forEach(range, each));
    }

    /** The same of some ids. */
    void entries(CollectionInfo collection, Collection<String> ids, Consumer<Entry> each) {
        read(collection, reader -> {
            for (String id : ids) {
                reader.one(id, each);
            }
        });
    }

    private interface Reading {
        void from(EntryReader reader) throws SQLException;
    }

    private void read(CollectionInfo collection, Reading reading) {
        Segments both = segments(collection);
        boolean anyLists = EntryReader.anyLists(file, level);
        file.run("read collection " + collection.name(), connection -> {
            try (var reader = new EntryReader(connection, both, anyLists)) {
                reading.from(reader);
            }
            return true;
        });
    }

    public Findings findings(CollectionInfo collection) {
        if (missing == null) {
            missing = Traces.missing(
                    file, collections.stream().map(this::segments).toList());
        }
        return new Findings(segments(collection).ignoredUpdates(), missing.getOrDefault(collection, 0L));
    }

    private Segments segments(CollectionInfo collection) {
        if (!collections.contains(collection)) {
            throw FailureException.input(
                    "collection-missing", "read " + directory + ": there is no collection " + collection.name());
        }
        if (wal == null) {
            wal = WalLog.read(file, collections);
        }
        WalLog rows = requireNonNull(wal.get(collection.id()));
        return segments.computeIfAbsent(collection, c -> Segments.read(file, directory, c, rows));
    }

    @Override
    public void close() {
        try (file) {
            segments.values().forEach(Segments::close);
            segments.clear();
        }
    }
}
