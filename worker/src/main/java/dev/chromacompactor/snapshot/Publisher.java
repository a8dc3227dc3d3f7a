package dev.chromacompactor.snapshot;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.PutOutcome;
import dev.chromacompactor.store.Sha256;
import dev.chromacompactor.store.Transfers;
import dev.chromacompactor.telemetry.Keys;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a finished directory visible: data, manifest last, read back, then one conditional pointer write.
 *
 * <p>If it dies before the pointer write, the upload is a version that nobody sees and a collector removes once
 * something else was published. If it dies after it, the version is live. It never deletes a version: whoever believes
 * that his pointer write was lost may be wrong.
 */
public final class Publisher {
    private static final Logger log = LoggerFactory.getLogger(Publisher.class);
    private static final int UPLOADS = 3;

    private final ObjectStore store;
    private final SnapshotCatalog catalog;
    private final String database;

    public Publisher(ObjectStore store, String database) {
        this.store = store;
        this.catalog = new SnapshotCatalog(store, database);
        this.database = database;
    }

    /** A fresh id for a version on {@code base}. Every attempt takes a new one. */
    public String freshVersion(Live base) {
        return VersionId.fresh(store.now(), base.seq() + 1);
    }

    /** Every regular file below {@code directory} with its size and SHA-256, by name: what the manifest lists. */
    public static List<Manifest.StoredFile> describe(Path directory) {
        try (Stream<Path> walk = Files.walk(directory)) {
            var files = new ArrayList<Manifest.StoredFile>();
            for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
                String name = directory.relativize(file).toString().replace('\\', '/');
                files.add(new Manifest.StoredFile(name, Files.size(file), Sha256.of(file)));
            }
            return List.copyOf(files);
        } catch (IOException e) {
            throw FailureException.disk("describe " + directory, e);
        }
    }

    /**
     * Uploads the manifest's files from {@code directory}, the manifest last, and reads all of it back.
     *
     * <p>Read back means: every byte, against the SHA-256 taken on the local disk. Sizes and ETags alone would trust
     * the store's word for what it kept, an ETag of a multipart upload is no digest at all, and a re-read inside the
     * region costs seconds beside the building of the index.
     *
     * @throws FailureException {@code DEPENDENCY upload-unconfirmed} if something did not arrive, {@code INVARIANT
     *     upload-differs} if something else lies there, {@code INVARIANT ledger-unbalanced} before anything is written; a
     *     new attempt takes a new id
     */
    public void upload(Path directory, Manifest manifest) {
        Ledger ledger = manifest.contents().ledger();
        if (ledger != null && !ledger.balances()) {
            throw new FailureException(
                    Blame.INVARIANT, "ledger-unbalanced", "upload version " + manifest.version() + ": " + ledger);
        }
        String prefix = catalog.prefix(manifest.version());
        var _ = Transfers.each(manifest.contents().files(), file -> {
            String key = prefix + file.name();
            createOnly(key, () -> store.putIfAbsent(key, directory.resolve(file.name())));
            return key;
        });
        finish(manifest);
    }

    /**
     * The same without a directory: the files are those of another version, and the store copies them itself.
     *
     * @param source version of ours that has exactly the manifest's files
     * @throws FailureException as {@link #upload} does; {@code INPUT version-unknown} if a file of the source is gone
     */
    public void copy(String source, Manifest manifest) {
        String from = catalog.prefix(source);
        String to = catalog.prefix(manifest.version());
        try {
            var _ = Transfers.each(
                    manifest.contents().files(), file -> store.copy(from + file.name(), to + file.name()));
        } catch (FailureException e) {
            if (!e.failure().reason().equals("object-missing")) {
                throw e;
            }
            throw new FailureException(
                    Blame.INPUT, "version-unknown", "version " + source + " is not whole: " + e.getMessage(), e);
        }
        finish(manifest);
    }

    private void finish(Manifest manifest) {
        String prefix = catalog.prefix(manifest.version());
        requireAll(manifest, catalog.problems(manifest));
        byte[] body = manifest.bytes();
        createOnly(prefix + Manifest.FILE, () -> store.putIfAbsent(prefix + Manifest.FILE, body));
        byte[] there = store.read(prefix + Manifest.FILE)
                .map(ObjectStore.Content::bytes)
                .orElseThrow(() -> new FailureException(
                        Blame.DEPENDENCY,
                        "upload-unconfirmed",
                        "upload " + prefix + Manifest.FILE + ": it is not there"));
        if (!Arrays.equals(body, there)) {
            throw new FailureException(
                    Blame.INVARIANT, "upload-differs", "upload " + prefix + Manifest.FILE + ": another one lies there");
        }
    }

    /** Whether it is there is what the read-back says: the id is ours alone, so Lost means an own earlier try. */
    private void createOnly(String key, Supplier<PutOutcome> write) {
        for (int left = UPLOADS; left > 0; left--) {
            PutOutcome outcome = write.get();
            if (!(outcome instanceof PutOutcome.Unknown) || store.head(key).isPresent()) {
                return;
            }
            log.atInfo()
                    .addKeyValue("key", key)
                    .addKeyValue(Keys.OUTCOME, outcome)
                    .log("upload unanswered, sent again");
        }
    }

    private static void requireAll(Manifest manifest, List<String> problems) {
        if (problems.isEmpty()) {
            return;
        }
        boolean missing = problems.stream().allMatch(problem -> problem.endsWith("is missing"));
        throw new FailureException(
                missing ? Blame.DEPENDENCY : Blame.INVARIANT,
                missing ? "upload-unconfirmed" : "upload-differs",
                "read back version " + manifest.version() + ": " + String.join(", ", problems));
    }

    /**
     * The commit: one pointer write that only succeeds on {@code base}. Any answer but success is settled by reading
     * the pointer and looking for this version's chunks; a write that is applied later than that finds another pointer
     * and fails, or commits a version that is right.
     *
     * @param base what {@link SnapshotCatalog#live()} said when the build began
     * @param mine uploaded, built on {@code base}
     * @throws FailureException {@code NODE interrupted} before anything is written, if this thread was told to stop: its
     *     message may be somebody else's by now
     */
    public CommitOutcome commit(Live base, Manifest mine) {
        requireBuiltOn(base, mine);
        requireNotToldToStop(mine);
        byte[] text = mine.version().getBytes(StandardCharsets.UTF_8);
        PutOutcome outcome = switch (base) {
            case Live.None _ -> store.putIfAbsent(catalog.pointerKey(), text);
            case Live.Ours ours -> store.putIfMatch(catalog.pointerKey(), text, ours.pointerEtag());
            case Live.Foreign foreign -> store.putIfMatch(catalog.pointerKey(), text, foreign.pointerEtag());
        };
        CommitOutcome settled = switch (outcome) {
            case PutOutcome.Won _ -> new CommitOutcome.Committed(mine.version()); // visible from here
            case PutOutcome.Lost _ -> settle(mine, "another version was published first");
            case PutOutcome.Unknown unknown -> settle(mine, "pointer write unanswered: " + unknown.why());
        };
        log.atInfo()
                .addKeyValue(Keys.DATABASE, database)
                .addKeyValue(Keys.VERSION, mine.version())
                .addKeyValue(Keys.OUTCOME, settled.getClass().getSimpleName())
                .log("pointer written");
        return settled;
    }

    private static void requireNotToldToStop(Manifest mine) {
        if (Thread.currentThread().isInterrupted()) {
            throw new FailureException(
                    Blame.NODE, "interrupted", "commit version " + mine.version() + ": told to stop before it");
        }
    }

    private CommitOutcome settle(Manifest mine, String why) {
        Live now = catalog.live();
        if (now instanceof Live.Ours ours && inside(mine, ours.manifest())) {
            return new CommitOutcome.Committed(ours.version());
        }
        return new CommitOutcome.LostRace(now, why);
    }

    private boolean inside(Manifest mine, Manifest live) {
        if (live.version().equals(mine.version())) {
            return true;
        }
        List<ChunkName> taken = mine.taken();
        if (!taken.isEmpty()) {
            Set<ChunkName> names = live.lineage().names();
            return names.containsAll(taken);
        }
        // A version that took nothing in (a revert) is known by its place in the chain only.
        var cursor = live;
        while (cursor.seq() > mine.seq() && cursor.base() != null) {
            if (Objects.equals(cursor.base(), mine.version())) {
                return true;
            }
            var below = catalog.load(cursor.base());
            if (below.isEmpty()) {
                return false;
            }
            cursor = below.get();
        }
        return false;
    }

    private static void requireBuiltOn(Live base, Manifest mine) {
        String version = switch (base) {
            case Live.None _ -> null;
            case Live.Ours ours -> ours.version();
            case Live.Foreign foreign -> foreign.version();
        };
        if (!Objects.equals(version, mine.base()) || mine.seq() != base.seq() + 1) {
            throw new IllegalArgumentException(
                    "version " + mine.version() + " is built on " + mine.base() + ", not on " + version);
        }
    }
}
