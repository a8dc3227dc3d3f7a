package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.chroma.hnsw.HnswBuilder;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A Chroma database that deltas and intermediates are applied to. The result is what one Chroma would hold after each
 * delta's records were upserted and its deletes applied in stamp order, whatever the order they are applied in here and
 * however often: every record is a set of registers that join (see {@link Registers}).
 *
 * <p>One fold, one directory, one thread; {@link #reading} and finishing use others. Nothing is valid before {@code finish…}
 * returned; a new database that was not finished is deleted by {@link #close}, a base that was not finished is spoilt and
 * its owner throws it away.
 *
 * <p>Errors: {@code dimension-mismatch}, {@code space-mismatch}, {@code schema-level-too-low} (a list value into a
 * database that has no place for it), all INPUT, naming the collection and both values; after one, only close.
 */
public final class Fold implements AutoCloseable {
    private enum Kind {
        INTERMEDIATE,
        FRESH,
        ONTO
    }

    private final Kind kind;
    private final Path directory;
    private final Path file;
    private final VectorScratch scratch;
    private @Nullable Workspace workspace;
    private Intermediate.@Nullable Rooted seed;
    private final RecordDigest digest = new RecordDigest();
    private @Nullable Touched touched;
    private Ledger ledger = Ledger.ZERO;
    private boolean finished;
    private Duration proof = Duration.ZERO;

    private Fold(Kind kind, Path directory) {
        this.kind = kind;
        this.directory = directory;
        this.file = directory.resolve(SqliteFile.NAME);
        if (kind != Kind.ONTO && Files.exists(file)) {
            throw new IllegalArgumentException(file + " is there already");
        }
        this.scratch = new VectorScratch(directory.resolve("vectors.scratch"));
    }

    /** A new intermediate: {@code dir/chroma.sqlite3}, one file without an index. */
    public static Fold intermediate(Path dir) {
        return new Fold(Kind.INTERMEDIATE, dir);
    }

    /** A new snapshot without a base, in an empty directory. Its level is that of the input with the smallest stamp. */
    public static Fold fresh(Path dir) {
        return new Fold(Kind.FRESH, dir);
    }

    /**
     * Extends a private copy of a base in place.
     *
     * @param ours whether our tables inside it are to be believed; if not, its records are older than every input
     * @param proven the digest of the base's records, if every byte of it is known to be what we wrote and proved: then only what is changed is
     *     proven again. Null: the result is read whole
     */
    public static Fold onto(Path dir, boolean ours, @Nullable String proven) {
        Fold fold = expecting(dir);
        try {
            fold.begin(ours, proven);
            return fold;
        } catch (RuntimeException | Error e) {
            try (fold) {
                throw e;
            }
        }
    }

    /** The same of a base that is still on its way: deltas may be {@linkplain #reading read}; {@link #begin}, then, before one is applied. */
    public static Fold expecting(Path dir) {
        return new Fold(Kind.ONTO, dir);
    }

    /** The base is there; see {@link #onto}. After a failure, only close. */
    public void begin(boolean ours, @Nullable String proven) {
        if (kind != Kind.ONTO || workspace != null) {
            throw new IllegalStateException(directory + " awaits no base");
        }
        WalTail tail;
        try (var base = ChromaDatabase.openTrusted(directory)) {
            tail = WalTail.of(base);
            workspace = Workspace.onto(file, base.level(), base.collections(), ours, scratch);
            // What somebody wrote to it after us was not proven.
            if (proven != null && tail.isEmpty()) {
                touched = new Touched(directory, proven);
                touched.open(base.collections());
            }
        }
        tail.into(workspace);
    }

    /**
     * Opens and reads deltas that are to be applied one after the other, as they are given out.
     *
     * @param atOnce how many may be read, or lie ready, while another one is applied
     */
    public ReadAhead reading(List<ReadAhead.Source> deltas, int atOnce) {
        return reading(deltas, atOnce, atOnce);
    }

    /**
     * Likewise.
     *
     * @param atOnce how many may be read at the same time
     * @param most how many may be read, or lie ready
     */
    public ReadAhead reading(List<ReadAhead.Source> deltas, int atOnce, int most) {
        return new ReadAhead(deltas, atOnce, most, scratch);
    }

    /**
     * Upserts what a delta says, and its deletes, with its stamp. The delta may be closed and deleted then, though its file stays open here
     * for a while.
     *
     * @param renameTo where the records of a delta with exactly one collection go; ignored if it has several
     */
    public Applied apply(ChromaDatabase delta, Stamp stamp, @Nullable String renameTo) {
        try (var tables = delta.tables()) {
            return apply(new Delta.Files(delta, tables), stamp, renameTo);
        }
    }

    Applied apply(Delta delta, Stamp stamp, @Nullable String renameTo) {
        boolean higher = workspace == null || delta.level().compareTo(workspace.level()) > 0;
        if (kind != Kind.ONTO && (higher || seed == null || stamp.compareTo(seed.by()) < 0)) {
            var seedOfDelta = delta.seed();
            prepare(seedOfDelta);
            rootedIn(new Intermediate.Rooted(seedOfDelta, stamp));
        }
        var target = opened();
        target.expect(delta.bytes());
        target.stamps().ref(stamp);
        var names = new LinkedHashMap<CollectionInfo, String>();
        for (CollectionInfo info : delta.collections()) {
            var name = name(delta.collections(), info, renameTo);
            names.put(info, name);
            target.collections().admit(delta.definition(info).named(name), delta.level(), stamp);
        }
        var ledgers = new LinkedHashMap<String, Ledger>();
        names.forEach((source, name) -> {
            var collection = target.collections().get(name);
            var copied = delta.into(
                    target,
                    source,
                    collection,
                    stamp,
                    (id, row) -> replaced(collection, id, row),
                    entry -> count(ledgers, name, take(collection, entry.id(), Registers.of(entry, stamp))));
            count(ledgers, collection, copied);
        });
        return applied(ledgers);
    }

    private void count(Map<String, Ledger> ledgers, CollectionInfo collection, Delta.Copied copied) {
        digest.add(copied.digest());
        List<String> ids = copied.ids();
        if (touched != null) {
            touched.counted(collection, ids, copied.digest());
        }
        if (!ids.isEmpty()) {
            count(
                    ledgers,
                    collection.name(),
                    Ledger.added(copied.added().size())
                            .plus(Ledger.merged(copied.replaced().size())));
        }
    }

    /**
     * Joins an intermediate.
     *
     * @param refused stamps older than the horizon; what they wrote is left out, and a record of which nothing is left
     *     counts as refused. An old register never hides a newer one, so leaving it out is safe
     */
    public Applied applyIntermediate(Path intermediateDir, Predicate<Stamp> refused) {
        var ledgers = new LinkedHashMap<String, Ledger>();
        try (var source = new Intermediate(intermediateDir)) {
            if (kind != Kind.ONTO) {
                prepare(source.container());
                rootedIn(source.seed());
            }
            var target = opened();
            target.expect(source.bytes());
            source.stamps().stream().filter(refused.negate()).forEach(target.stamps()::ref);
            for (CollectionInfo info : source.collections()) {
                target.collections().admit(source.definition(info), source.level(), source.definedBy(info));
            }
            target.database().attach(source.file());
            try {
                for (CollectionInfo info : source.collections()) {
                    var collection = target.collections().get(info.name());
                    var copied = PlainIntermediate.into(
                            target,
                            source,
                            info,
                            collection,
                            refused,
                            (id, row) -> replaced(collection, id, row),
                            id -> {
                                var incoming = source.reader().find(info, id).registers();
                                var kept = incoming.refusing(refused);
                                var one = kept.isEmpty() && !incoming.isEmpty()
                                        ? Ledger.REFUSED
                                        : take(collection, id, kept);
                                count(ledgers, info.name(), one);
                            });
                    count(ledgers, collection, copied);
                }
            } finally {
                target.database().detach();
            }
        }
        return applied(ledgers);
    }

    /** What one of a delta's collections is called here. */
    static String name(List<CollectionInfo> collections, CollectionInfo one, @Nullable String renameTo) {
        return renameTo != null && collections.size() == 1 ? renameTo : one.name();
    }

    private static void count(Map<String, Ledger> ledgers, String collection, Ledger one) {
        ledgers.merge(collection, one, Ledger::plus);
    }

    private Applied applied(Map<String, Ledger> ledgers) {
        var applied = Applied.of(ledgers);
        ledger = ledger.plus(applied.ledger());
        if (kind != Kind.INTERMEDIATE) {
            HnswBuilder.expect(ledger.added() + ledger.merged(), kind == Kind.ONTO);
        }
        return applied;
    }

    private Ledger take(CollectionInfo collection, String id, Registers incoming) {
        var target = opened();
        var stored = target.reader().find(collection, id);
        var after = stored.registers().join(incoming);
        if (!after.equals(stored.registers())) {
            if (kind != Kind.ONTO) {
                stored.registers().live().ifPresent(live -> digest.subtract(collection.name(), id, live));
                after.live().ifPresent(live -> digest.add(collection.name(), id, live));
            } else if (touched != null) {
                touched.before(collection, id, stored.row(), target.reader());
            }
            target.writer().write(collection, id, stored, after);
        }
        return Ledger.of(stored.registers(), incoming, after);
    }

    /** A stored record that is live is about to be replaced as a whole. */
    private void replaced(CollectionInfo collection, String id, long row) {
        if (kind != Kind.ONTO) {
            opened().reader().subtract(digest, collection, id, row);
        } else if (touched != null) {
            touched.before(collection, id, row, opened().reader());
        }
    }

    /** Makes the workspace, or moves it to the level of {@code container} so that it can hold what comes from there. */
    private void prepare(Seed container) {
        if (workspace == null) {
            workspace = Workspace.create(file, container, container.level(), scratch);
        } else if (container.level().compareTo(workspace.level()) > 0) {
            workspace = workspace.movedTo(container, container.level());
        }
    }

    private void rootedIn(Intermediate.Rooted candidate) {
        if (seed == null || candidate.by().compareTo(seed.by()) < 0) {
            seed = candidate;
        }
    }

    private Workspace opened() {
        if (workspace == null) {
            throw new IllegalStateException("nothing was applied to " + directory);
        }
        return workspace;
    }

    /** Completes a new intermediate and closes its file. */
    public Summary finishIntermediate() {
        if (kind != Kind.INTERMEDIATE) {
            throw new IllegalStateException(directory + " is to be a snapshot");
        }
        IntermediateFiles.finish(opened(), requireNonNull(seed));
        var summary = summary(digest.value());
        opened().complete();
        release();
        return summary;
    }

    /**
     * Completes a snapshot: forgets deletes, removed keys and stamps from before {@code horizonMillis} and what they cover,
     * brings the vector index up to date, empties the WAL and closes the file. {@code Long.MIN_VALUE} forgets nothing.
     *
     * <p>Before it returns, the files are opened and proven: everything {@link ChromaDatabase#open} checks, every live node reachable and linked
     * to; of a proven base only what was changed.
     *
     * @throws FailureException {@code INVARIANT output-unsound}
     */
    public Summary finishSnapshot(long horizonMillis) {
        return finish(horizonMillis, false);
    }

    /** The same, and leaves a {@link Seal} beside the files. */
    public Summary finishSealed(long horizonMillis) {
        return finish(horizonMillis, true);
    }

    private Summary finish(long horizonMillis, boolean sealed) {
        if (kind == Kind.INTERMEDIATE) {
            throw new IllegalStateException(directory + " is to be an intermediate");
        }
        long last;
        if (kind == Kind.FRESH) {
            var first = requireNonNull(seed).seed();
            if (!first.level().equals(opened().level())) {
                workspace = opened().movedTo(first, first.level());
            }
            first.configure(opened().database());
            last = opened().renumber(0);
        } else {
            last = opened().writer().position();
        }
        var files = SnapshotFiles.settle(opened(), directory, horizonMillis, last, touched);
        var summary = summary("");
        try (var finishing = new Finishing(opened(), directory, touched)) {
            finishing.write(files);
            release();
            var applied = kind == Kind.FRESH ? digest : null;
            long begun = System.nanoTime();
            String proven = sealed ? finishing.seal(applied) : finishing.prove(applied);
            proof = Duration.ofNanos(System.nanoTime() - begun);
            return summary.of(proven);
        }
    }

    /** How long {@link #finishSnapshot} read what it had written, once all was written. */
    public Duration proof() {
        return proof;
    }

    private Summary summary(String digest) {
        var collections = opened().summaries();
        return new Summary(
                opened().level(),
                collections,
                ledger,
                digest,
                opened().lists(),
                collections.stream()
                        .mapToLong(Summary.CollectionSummary::records)
                        .sum());
    }

    private void release() {
        workspace = null;
        finished = true;
    }

    /** Facts about an intermediate, without folding it. */
    public static IntermediateInfo describe(Path intermediateDir) {
        return Intermediate.describe(intermediateDir);
    }

    @Override
    public void close() {
        try (scratch;
                var _ = touched) {
            if (workspace != null) {
                if (kind == Kind.FRESH) {
                    SnapshotFiles.delete(workspace, directory);
                }
                workspace.close();
                workspace = null;
            }
            if (!finished && kind != Kind.ONTO) {
                Files.deleteIfExists(file);
                Files.deleteIfExists(file.resolveSibling(file.getFileName() + ".next"));
            }
        } catch (IOException e) {
            throw FailureException.disk("delete " + file, e);
        }
    }
}
