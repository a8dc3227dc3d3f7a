package dev.chromacompactor.compaction;

import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.store.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;

/** Finds deltas in a bucket and brings them to local disk. */
public final class Deltas {
    /** What belongs to a Chroma directory; whatever else lies there (hash files, notes) is left alone. */
    private static final Pattern CHROMA_FILE = Pattern.compile(
            "chroma\\.sqlite3(-wal|-shm|-journal)?|[^/]+/(header|data_level0|length|link_lists)\\.bin|[^/]+/index_metadata\\.pickle");

    /** More objects than this below one delta's prefix is no delta: 5 files a collection. */
    private static final int MOST_FILES = 10_000;

    private Deltas() {}

    /**
     * Looks up what {@code key} names: a prefix with a trailing slash ({@code chroma.sqlite3} and segment folders, or a
     * {@code delta.tar.gz} or {@code delta.tar.zst} below it), or the key of an archive.
     *
     * @throws FailureException INPUT {@code delta-missing} if nothing of the kind lies there
     */
    public static LocatedDelta locate(ObjectStore store, String key) {
        return find(store, key)
                .orElseThrow(() -> FailureException.input(
                        "delta-missing",
                        "delta " + key + " in bucket " + store.bucket()
                                + " is not there: neither chroma.sqlite3 nor delta.tar.gz"));
    }

    /** As {@link #locate}, but empty if nothing of the kind lies there. */
    public static Optional<LocatedDelta> find(ObjectStore store, String key) {
        if (Archives.isArchive(key)) {
            return store.head(key).map(info -> archive(store.bucket(), key, info));
        }
        List<ObjectInfo> files = new ArrayList<>();
        store.list(key, info -> {
            if (files.size() == MOST_FILES) {
                throw FailureException.input(
                        "delta-too-many-files",
                        "delta " + key + " in " + store.bucket() + " holds more than " + MOST_FILES + " objects");
            }
            files.add(info);
        });
        return among(store.bucket(), key, files);
    }

    /**
     * As {@link #find}, without asking the store.
     *
     * @param files what lies below {@code key}, listed already
     */
    public static Optional<LocatedDelta> among(String bucket, String key, Collection<ObjectInfo> files) {
        String database = key + "chroma.sqlite3";
        var sqlite = files.stream().filter(f -> f.key().equals(database)).findFirst();
        if (sqlite.isPresent()) {
            List<ObjectInfo> chroma = files.stream()
                    .filter(f -> isChromaFile(f.key().substring(key.length())))
                    .sorted(Comparator.comparing(ObjectInfo::key))
                    .toList();
            return Optional.of(new LocatedDelta(bucket, key, identity(key, chroma), sqlite.get(), false, chroma));
        }
        return files.stream()
                .filter(f -> f.key().substring(key.length()).matches("(delta|snapshot)\\.tar\\.(gz|zst)"))
                .findFirst()
                .map(info -> archive(bucket, key, info));
    }

    /** Whether a key is taken for an archive of a delta. */
    public static boolean isArchive(String key) {
        return Archives.isArchive(key);
    }

    /** A key as people type it: a prefix gets its trailing slash. */
    public static String normalised(String key) {
        return key.endsWith("/") || isArchive(key) ? key : key + "/";
    }

    /** Whether a name relative to a Chroma directory is one of Chroma's files. */
    static boolean isChromaFile(String name) {
        return CHROMA_FILE.matcher(name).matches();
    }

    /**
     * Downloads (and unpacks) a delta into the empty directory {@code into}, each object only if it is still the one
     * that was located.
     *
     * @param growth told how many bytes an archive unpacks to, before they are written
     * @return the directory that holds {@code chroma.sqlite3}
     */
    public static Path fetch(
            ObjectStore store,
            LocatedDelta delta,
            Path into,
            Path archiveFile,
            Archives.Limits limits,
            LongConsumer growth) {
        if (delta.archive()) {
            ObjectInfo info = delta.files().getFirst();
            store.download(info.key(), info.etag(), archiveFile);
            try {
                Archives.unpack(archiveFile, into, limits, growth);
            } finally {
                Files2.deleteIfExists(archiveFile);
            }
            return Archives.databaseRoot(into);
        }
        for (ObjectInfo file : delta.files()) {
            Path target = into.resolve(file.key().substring(delta.key().length()));
            Files2.createParents(target);
            if (file.size() == 0) {
                Files2.createEmpty(target); // a segment without upper links: what there is to know of it was listed
            } else {
                store.download(file.key(), file.etag(), target);
            }
        }
        return into;
    }

    /** A delta that is one archive. */
    public static LocatedDelta archive(String bucket, String key, ObjectInfo info) {
        return new LocatedDelta(bucket, key, info.etag(), info, true, List.of(info));
    }

    private static String identity(String key, List<ObjectInfo> files) {
        var digest = Sha256.start();
        for (ObjectInfo file : files) {
            digest.text(file.key().substring(key.length())).text(file.etag()).text(Long.toString(file.size()));
        }
        return digest.hex();
    }

    /** File operations whose failure is this machine's fault. */
    private static final class Files2 {
        static void createParents(Path file) {
            try {
                Files.createDirectories(file.getParent());
            } catch (IOException e) {
                throw FailureException.disk("make " + file.getParent(), e);
            }
        }

        static void createEmpty(Path file) {
            try {
                Files.createFile(file);
            } catch (IOException e) {
                throw FailureException.disk("create " + file, e);
            }
        }

        static void deleteIfExists(Path file) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw FailureException.disk("delete " + file, e);
            }
        }
    }
}
