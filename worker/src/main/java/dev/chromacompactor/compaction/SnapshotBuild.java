package dev.chromacompactor.compaction;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.SchemaLevel;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.chroma.Summary;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Publisher;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.telemetry.Metrics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * {@code final_merge} on local disk: a private copy of the live snapshot, joined with intermediates, its index
 * extended, closed and verified. Uploading and the pointer are the publisher's.
 */
public final class SnapshotBuild {
    /**
     * A snapshot ready to be uploaded.
     *
     * @param directory its files, nothing else
     * @param files of it
     * @param baseRecords records of the base
     * @param unlockWait how long it took until nothing held the files
     */
    public record Built(
            Path directory, List<Manifest.StoredFile> files, long baseRecords, Summary summary, Duration unlockWait) {
        public Built {
            files = List.copyOf(files);
        }
    }

    /** One of the intermediates does not fit to the base or to those before it. */
    public static final class MisfitException extends RuntimeException {
        private static final long serialVersionUID = 1;

        private final int place;
        private final transient Failure failure;

        MisfitException(int place, FailureException cause) {
            super(cause.getMessage(), cause);
            this.place = place;
            this.failure = cause.failure();
        }

        /** Its place in the list, from 0. */
        public int place() {
            return place;
        }

        public Failure failure() {
            return failure;
        }
    }

    private final ObjectStore store;
    private final SnapshotCatalog catalog;
    private final Recipe recipe;
    private final Repeat repeat;
    private @Nullable Looked looked;

    /** A base of another writer that was looked into, and lies there until it is built on. */
    private record Looked(String pointerEtag, Path directory, Foreign seen) {}

    /** @param repeat of the download of the base */
    public SnapshotBuild(ObjectStore store, SnapshotCatalog catalog, Recipe recipe, Repeat repeat) {
        this.store = store;
        this.catalog = catalog;
        this.recipe = recipe;
        this.repeat = repeat;
    }

    /**
     * Brings the base to {@code directory}, which is empty and lies in {@code scratch}; of none, nothing.
     *
     * @return its records
     */
    public long fetch(Live base, Path directory, Scratch scratch) {
        return repeat.call("fetch the base of " + directory.getFileName(), () -> {
            Scratch.empty(directory);
            return fetchBase(base, directory, scratch);
        });
    }

    /**
     * Builds in {@code directory}, where the base lies already.
     *
     * @param baseRecords of it, as {@link #fetch} said
     * @param intermediates fetched, each a directory with its {@code chroma.sqlite3}, in any order
     * @param refused stamps before the base's horizon, whose rows are left out
     * @param horizonMillis of the new version: deletes and removed keys before it are forgotten
     * @throws MisfitException if one of them cannot be joined, whatever the others are
     */
    public Built run(
            Live base,
            long baseRecords,
            List<Path> intermediates,
            Predicate<Stamp> refused,
            long horizonMillis,
            Path directory) {
        Summary summary;
        try (Fold fold = open(base, directory)) {
            for (int place = 0; place < intermediates.size(); place++) {
                apply(fold, intermediates.get(place), refused, place);
            }
            summary = fold.finishSnapshot(horizonMillis);
            recipe.metrics().validated(Metrics.Subject.OUTPUT, fold.proof());
        }
        Duration waited = recipe.unlocked(directory);
        List<Manifest.StoredFile> files = Publisher.describe(directory);
        if (summary.records() != baseRecords + summary.ledger().growth()) {
            throw new FailureException(
                    Blame.INVARIANT,
                    "ledger-unbalanced",
                    "snapshot of " + summary.records() + " records, but the base held " + baseRecords
                            + " and the merge " + summary.ledger());
        }
        return new Built(directory, files, baseRecords, summary, waited);
    }

    private static Fold open(Live base, Path directory) {
        if (base instanceof Live.None) {
            return Fold.fresh(directory);
        }
        try {
            String proven =
                    base instanceof Live.Ours ours ? ours.manifest().contents().recordDigest() : null;
            return Fold.onto(directory, base instanceof Live.Ours, proven);
        } catch (FailureException e) {
            throw Recipe.onOurs(e, "base-unsound", "open the live version");
        }
    }

    private static void apply(Fold fold, Path intermediate, Predicate<Stamp> refused, int place) {
        try {
            fold.applyIntermediate(intermediate, refused);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INPUT) {
                throw e;
            }
            throw new MisfitException(place, e);
        }
    }

    private long fetchBase(Live base, Path directory, Scratch scratch) {
        return switch (base) {
            case Live.None _ -> 0;
            case Live.Ours ours -> {
                boolean kept = recipe.budget().warm().moveTo(ours.manifest(), directory);
                if (!kept) {
                    catalog.download(ours.manifest(), directory);
                }
                recipe.metrics().baseFetched(kept);
                yield ours.manifest().contents().records();
            }
            case Live.Foreign foreign -> {
                Looked there = looked;
                looked = null;
                if (there != null && there.pointerEtag().equals(foreign.pointerEtag())) {
                    Scratch.moveContents(there.directory(), directory, _ -> true);
                    yield there.seen().records();
                }
                fetchForeign(foreign, directory, scratch);
                recipe.metrics().baseFetched(false);
                yield read(foreign, directory).records();
            }
        };
    }

    private void fetchForeign(Live.Foreign foreign, Path directory, Scratch scratch) {
        try {
            LocatedDelta located = locate(foreign);
            var growth = new Growth(located, scratch);
            Path archive = scratch.file("base.tar");
            if (!located.archive()) {
                var _ = Deltas.fetch(store, located, directory, archive, recipe.limits(), growth);
                return;
            }
            Path unpacked = scratch.emptied("base");
            Path root = Deltas.fetch(store, located, unpacked, archive, recipe.limits(), growth);
            Scratch.moveContents(root, directory, Deltas::isChromaFile);
            Scratch.deleteTree(unpacked);
        } catch (FailureException e) {
            throw Recipe.onOurs(e, "base-unsound", "live version " + foreign.version());
        }
    }

    /** What one sees of a version that another kind of writer made only by looking into it. */
    public record Foreign(SchemaLevel level, List<Held> collections) {
        /** One collection of it. */
        public record Held(CollectionInfo collection, long records) {}

        long records() {
            return collections.stream().mapToLong(Held::records).sum();
        }
    }

    /** What a base is to a job that reads it; of one of another writer only the size is known. */
    public CostModel.Input size(Live base) {
        return switch (base) {
            case Live.None _ -> CostModel.Input.NOTHING;
            case Live.Ours ours -> {
                var contents = ours.manifest().contents();
                long bytes = contents.files().stream()
                        .mapToLong(Manifest.StoredFile::size)
                        .sum();
                yield new CostModel.Input(bytes, contents.records());
            }
            case Live.Foreign foreign -> {
                LocatedDelta located = locate(foreign);
                yield CostModel.Input.uncounted(
                        CostModel.unpacked(located) + (located.archive() ? located.bytes() : 0));
            }
        };
    }

    private LocatedDelta locate(Live.Foreign foreign) {
        try {
            return Deltas.locate(store, foreign.key());
        } catch (FailureException e) {
            throw Recipe.onOurs(e, "base-unsound", "live version " + foreign.version());
        }
    }

    /** Looks into a version without a manifest of ours, and leaves it there for {@link #run}. */
    public Foreign look(Live.Foreign foreign, Scratch scratch) {
        scratch.reserve(CostModel.look(size(foreign)));
        return repeat.call("look into " + foreign.key(), () -> {
            Path directory = scratch.emptied("foreign");
            fetchForeign(foreign, directory, scratch);
            Foreign seen = read(foreign, directory);
            looked = new Looked(foreign.pointerEtag(), directory, seen);
            recipe.metrics().baseFetched(false);
            return seen;
        });
    }

    /** A foreign base is read as suspiciously as a delta: what is wrong with it is not the batch's fault. */
    private static Foreign read(Live.Foreign foreign, Path directory) {
        try (ChromaDatabase database = ChromaDatabase.open(directory)) {
            return new Foreign(
                    database.level(),
                    database.collections().stream()
                            .map(collection -> new Foreign.Held(collection, database.records(collection)))
                            .toList());
        } catch (FailureException e) {
            throw Recipe.onOurs(e, "base-unsound", "live version " + foreign.version());
        }
    }
}
