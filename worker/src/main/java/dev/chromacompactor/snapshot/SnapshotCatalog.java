package dev.chromacompactor.snapshot;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.Content;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.store.Sha256;
import dev.chromacompactor.store.Transfers;
import dev.chromacompactor.telemetry.Keys;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions of one database, as they lie in the bucket. Reads only.
 *
 * <pre>
 * &lt;db&gt;/snapshot/latest-pointer.txt            id of the live version, nothing else
 * &lt;db&gt;/snapshot/timestamped/&lt;version&gt;/…       chroma.sqlite3, segment folders, manifest.json; immutable
 * </pre>
 */
public final class SnapshotCatalog {
    private static final Logger log = LoggerFactory.getLogger(SnapshotCatalog.class);
    private static final String ARCHIVE = "snapshot.tar.gz";
    private static final String DATABASE_FILE = "chroma.sqlite3";

    private static final int LOOKS = 5;

    private final ObjectStore store;
    private final String database;

    public SnapshotCatalog(ObjectStore store, String database) {
        this.store = store;
        this.database = database;
    }

    /** @param manifest null if the version is not ours, or not finished */
    public record Entry(String version, @Nullable Manifest manifest) {}

    public String pointerKey() {
        return folder() + "latest-pointer.txt";
    }

    /** Where all of this lies, with a trailing slash. */
    String folder() {
        return database + "/snapshot/";
    }

    /** The prefix of a version, with a trailing slash. */
    public String prefix(String version) {
        return versionsPrefix() + version + "/";
    }

    private String versionsPrefix() {
        return folder() + "timestamped/";
    }

    /**
     * What the pointer names now.
     *
     * @throws FailureException {@code INVARIANT pointer-missing} if it is gone though versions are there, {@code
     *     pointer-dangling} if it names nothing, {@code snapshot-damaged} if files of our version are missing; {@code
     *     CONFLICT pointer-moved} if others publish faster than it can be looked at
     */
    public Live live() {
        return look(true);
    }

    /**
     * The same, whatever has become of the files of a version of ours: for a rollback, which a damaged version may be the
     * reason of.
     */
    Live liveAsNamed() {
        return look(false);
    }

    private Live look(boolean sound) {
        for (int left = LOOKS; ; left--) {
            try {
                return lookOnce(sound);
            } catch (FailureException e) {
                if (e.failure().blame() != Blame.CONFLICT || left == 1) {
                    throw e;
                }
            }
        }
    }

    /** Whether the pointer is still what it was when {@link #live()} gave this; asks for nothing else. */
    public boolean isStill(Live before) {
        String etag = switch (before) {
            case Live.None _ -> null;
            case Live.Ours ours -> ours.pointerEtag();
            case Live.Foreign foreign -> foreign.pointerEtag();
        };
        return Objects.equals(store.head(pointerKey()).map(ObjectInfo::etag).orElse(null), etag);
    }

    private Live lookOnce(boolean sound) {
        Optional<Content> pointer = store.read(pointerKey());
        if (pointer.isEmpty()) {
            requireFirstPublish();
            return new Live.None();
        }
        String etag = pointer.get().info().etag();
        String version = new String(pointer.get().bytes(), StandardCharsets.UTF_8).strip();
        if (version.isEmpty() || version.contains("/")) {
            throw invariant("pointer-dangling", pointerKey() + " holds no version id but \"" + version + "\"");
        }
        Map<String, Long> files = files(version);
        if (files.isEmpty()) {
            requirePointer(etag);
            throw invariant(
                    "pointer-dangling",
                    pointerKey() + " names " + version + ", and nothing lies below " + prefix(version));
        }
        Optional<Manifest> manifest = files.containsKey(Manifest.FILE) ? load(version) : Optional.empty();
        if (manifest.isPresent()) {
            List<String> problems = sizeProblems(manifest.get(), files);
            if (sound && !problems.isEmpty()) {
                requirePointer(etag);
                throw invariant(
                        "snapshot-damaged", "live version " + prefix(version) + ": " + String.join(", ", problems));
            }
            return new Live.Ours(version, etag, manifest.get());
        }
        return foreign(version, etag, files);
    }

    private Live foreign(String version, String etag, Map<String, Long> files) {
        // A collector takes the manifest away first: what looks foreign may be a version that was live a moment ago.
        requirePointer(etag);
        String key;
        if (files.containsKey(ARCHIVE)) {
            key = prefix(version) + ARCHIVE;
        } else if (files.containsKey(DATABASE_FILE)) {
            key = prefix(version);
        } else {
            throw invariant(
                    "snapshot-damaged",
                    "live version " + prefix(version) + " has no manifest, no " + ARCHIVE + " and no " + DATABASE_FILE);
        }
        log.atWarn()
                .addKeyValue(Keys.DATABASE, database)
                .addKeyValue(Keys.VERSION, version)
                .log("live version was not published by us; two kinds of writer must not share a database");
        return new Live.Foreign(version, etag, key);
    }

    /**
     * No pointer: really the first publish? An upload with sequence number 1 may lie there from a publisher that never
     * got to the pointer; anything else means that there was a pointer once.
     */
    private void requireFirstPublish() {
        for (String version : ids()) {
            boolean firstOfOurs = VersionId.seq(version).orElse(Long.MAX_VALUE) < 2;
            if (!firstOfOurs || legacy(files(version))) {
                if (store.head(pointerKey()).isPresent()) {
                    throw moved();
                }
                throw invariant(
                        "pointer-missing", pointerKey() + " is gone, but version " + prefix(version) + " is there");
            }
        }
    }

    private static boolean legacy(Map<String, Long> files) {
        return files.containsKey(ARCHIVE) || files.containsKey(".snapshot_hash");
    }

    /** The ids of all versions, whoever made them and however far they got. */
    List<String> ids() {
        return store.folders(versionsPrefix()).stream()
                .map(folder -> folder.substring(0, folder.length() - 1))
                .toList();
    }

    /**
     * Whether a version without a manifest that names it was made by another writer. What has none of that writer's marks, and
     * an id of ours, is an upload of ours that was not finished, or that a collector has begun to take away.
     */
    boolean isForeign(String version) {
        Map<String, Long> files = files(version);
        return legacy(files) || files.containsKey(Manifest.FILE);
    }

    /** Newest first, live or not, ours or not. */
    public List<Entry> versions() {
        var entries = new ArrayList<Entry>();
        for (String version : ids()) {
            entries.add(new Entry(version, load(version).orElse(null)));
        }
        entries.sort(Comparator.comparing(Entry::version).reversed());
        return List.copyOf(entries);
    }

    /** Versions that are uploaded whole, and that a pointer write under way could still make live: numbered one above it. */
    public List<String> mayStillWin() {
        long next = live().seq() + 1;
        return ids().stream()
                .filter(version -> VersionId.seq(version).orElse(-1) == next)
                .filter(version -> load(version).isPresent())
                .toList();
    }

    /** Whether a version of ours has all its files, by their sizes. */
    boolean isWhole(String version) {
        return load(version)
                .filter(manifest -> sizeProblems(manifest, files(version)).isEmpty())
                .isPresent();
    }

    /** The manifest of a version; empty if it has none that names it. */
    public Optional<Manifest> load(String version) {
        String key = prefix(version) + Manifest.FILE;
        return store.read(key).flatMap(content -> Manifest.of(version, content.bytes(), key));
    }

    /**
     * Reads every file of a version of ours again and compares size and SHA-256 with its manifest.
     *
     * @return what is wrong, a line each; empty if nothing is
     */
    public List<String> verify(String version) {
        Optional<Manifest> manifest = load(version);
        if (manifest.isEmpty()) {
            return List.of(prefix(version) + " has no manifest that names it");
        }
        return problems(manifest.get());
    }

    List<String> problems(Manifest manifest) {
        var problems = new ArrayList<>(sizeProblems(manifest, files(manifest.version())));
        if (!problems.isEmpty()) {
            return problems;
        }
        Transfers.each(
                manifest.contents().files(),
                file -> problem(manifest.version(), file),
                problem -> problem.ifPresent(problems::add));
        return problems;
    }

    private Optional<String> problem(String version, Manifest.StoredFile file) {
        String key = prefix(version) + file.name();
        try (var in = store.open(key).orElse(null)) {
            if (in == null) {
                return Optional.of(file.name() + " is gone");
            }
            return Sha256.of(in).equals(file.sha256())
                    ? Optional.empty()
                    : Optional.of(file.name() + " has another SHA-256 than the manifest says");
        } catch (IOException e) {
            throw new FailureException(
                    Blame.DEPENDENCY, "s3-read-broken", "read back " + key + ": " + e.getMessage(), e);
        }
    }

    /**
     * Downloads the files of a version of ours into {@code directory}, each compared with the manifest.
     *
     * @param directory exists and is empty
     * @throws FailureException {@code CONFLICT version-collected} if the version was removed meanwhile, {@code INVARIANT
     *     snapshot-damaged} if a file is missing or is not what the manifest says
     */
    public void download(Manifest manifest, Path directory) {
        var _ = Transfers.each(manifest.contents().files(), file -> download(manifest.version(), file, directory));
    }

    private Path download(String version, Manifest.StoredFile file, Path directory) {
        String key = prefix(version) + file.name();
        Path target = directory.resolve(file.name());
        try {
            Files.createDirectories(target.getParent());
            store.download(key, null, target);
            if (Files.size(target) != file.size() || !Sha256.of(target).equals(file.sha256())) {
                throw invariant("snapshot-damaged", "downloaded " + key + " is not what its manifest says");
            }
            return target;
        } catch (IOException e) {
            throw FailureException.disk("download " + key + " to " + target, e);
        } catch (FailureException e) {
            throw e.failure().reason().equals("object-missing") ? gone(version, key) : e;
        }
    }

    /** Never the input's fault. A collector takes the manifest away first. */
    private FailureException gone(String version, String key) {
        return load(version).isEmpty()
                ? new FailureException(
                        Blame.CONFLICT, "version-collected", prefix(version) + " was removed while it was downloaded")
                : invariant("snapshot-damaged", key + " is missing, and the manifest is there");
    }

    private Map<String, Long> files(String version) {
        var files = new HashMap<String, Long>();
        String prefix = prefix(version);
        store.list(prefix, (ObjectInfo info) -> files.put(info.key().substring(prefix.length()), info.size()));
        return files;
    }

    private static List<String> sizeProblems(Manifest manifest, Map<String, Long> files) {
        var problems = new ArrayList<String>();
        for (Manifest.StoredFile file : manifest.contents().files()) {
            Long size = files.get(file.name());
            if (size == null) {
                problems.add(file.name() + " is missing");
            } else if (size != file.size()) {
                problems.add(file.name() + " has " + size + " bytes, the manifest says " + file.size());
            }
        }
        return problems;
    }

    /** Between pointer and version somebody may have published, and the old version been collected. */
    private void requirePointer(String etag) {
        if (!store.head(pointerKey()).map(ObjectInfo::etag).orElse("").equals(etag)) {
            throw moved();
        }
    }

    private FailureException moved() {
        return new FailureException(
                Blame.CONFLICT, "pointer-moved", pointerKey() + " changed while its version was read");
    }

    private static FailureException invariant(String reason, String message) {
        return new FailureException(Blame.INVARIANT, reason, message);
    }
}
