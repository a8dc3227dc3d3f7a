package dev.chromacompactor.job;

import dev.chromacompactor.batch.Base;
import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Take;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.compaction.CostModel;
import dev.chromacompactor.compaction.IntermediateRef;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.compaction.SnapshotBuild;
import dev.chromacompactor.control.ChunkAgain;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.CommitOutcome;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Publisher;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.Beside;
import dev.chromacompactor.store.Transfers;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Builds versions for one publish: each attempt on the base of the moment, the intermediates fetched once. */
final class VersionBuild {
    /** How an attempt ended. */
    sealed interface Attempt {
        /** The pointer was written, or somebody else was faster. */
        record Settled(CommitOutcome outcome) implements Attempt {}

        /**
         * A chunk does not fit to the others; it is left out from here on, with its whole batch if that is on hold. No excuses:
         * it was the output of a group, whose chunks are taken one by one from here on, or an intermediate is gone of a batch
         * that others wait for.
         */
        record Misfit(List<Excuse> excuses) implements Attempt {
            public Misfit {
                excuses = List.copyOf(excuses);
            }
        }
    }

    private final Tools tools;
    private final String database;
    private final Scratch scratch;
    private final Publisher publisher;
    private final SnapshotCatalog catalog;
    private final SnapshotBuild build;
    private final Retries retries;
    private final Map<String, Path> fetched = new HashMap<>();
    /** Of what was fetched, or is about to be; by the same names. */
    private final Map<String, CostModel.Input> sizes = new HashMap<>();

    private final Map<String, Base> foreigners = new HashMap<>();
    private final Map<ChunkName, Excuse> misfits = new HashMap<>();
    /** Outputs of groups that are gone, or hold what does not fit: their chunks are taken one by one. */
    private final Set<String> uselessGroups = new HashSet<>();
    /** Batches of others with an intermediate that is gone or altered: they wait until it is made again, nobody else does. */
    private final Set<String> waitingForTheirs = new HashSet<>();

    private int fetches;
    private int attempts;

    /** @param retries of fetching, and of uploading under a fresh id */
    VersionBuild(Tools tools, String database, Scratch scratch, Retries retries) {
        this.tools = tools;
        this.database = database;
        this.scratch = scratch;
        this.retries = retries;
        this.publisher = new Publisher(tools.store(), database);
        this.catalog = new SnapshotCatalog(tools.store(), database);
        this.build = new SnapshotBuild(tools.store(), catalog, tools.recipe(), retries);
    }

    /** The same choice without what did not fit in an earlier attempt. */
    Take fitting(Take take) {
        return take.without(misfits.values()).apart(fold -> uselessGroups.contains(id(fold)));
    }

    /**
     * Of the open batches as many as this worker can publish at once. Ours comes first and is in it in any case; each of
     * the others has a message of its own.
     */
    List<Standing> admitted(Live live, List<Standing> open) {
        CostModel.Input base = build.size(live);
        List<CostModel.Input> together = new ArrayList<>();
        List<Standing> admitted = new ArrayList<>();
        for (Standing batch : open) {
            if (waitingForTheirs.contains(batch.batch())) {
                continue;
            }
            List<CostModel.Input> more = new ArrayList<>(together);
            Standing now = batch.against(live.lineage());
            for (Standing.Item item : now.items()) {
                if (item.state() instanceof Standing.State.Done(String key, String etag, Receipt receipt)) {
                    more.add(size(key, etag, receipt));
                }
            }
            // One whose chunks are merged in groups right now is better left to its own final merge, which comes soon.
            if (admitted.isEmpty()
                    || (!now.merging() && tools.recipe().budget().couldFit(CostModel.publish(more, base)))) {
                admitted.add(batch);
                together = more;
            }
        }
        return admitted;
    }

    private CostModel.Input size(String key, String etag, @Nullable Receipt receipt) {
        return sizes.computeIfAbsent(key + "@" + etag, _ -> new Intermediates(tools.store()).size(key, receipt));
    }

    /** Removes what was fetched for an attempt before and is not taken any more, then asks for the room of this one. */
    void makeRoom(Live live, Take take) {
        Set<String> wanted = take.folds().stream().map(VersionBuild::id).collect(Collectors.toSet());
        fetched.forEach((id, directory) -> {
            if (!wanted.contains(id)) {
                scratch.remove(directory);
            }
        });
        fetched.keySet().retainAll(wanted);
        List<CostModel.Input> intermediates = take.folds().stream()
                .map(part -> size(part.key(), part.etag(), part.receipt()))
                .toList();
        scratch.reserve(CostModel.publish(intermediates, build.size(live)));
    }

    private static String id(Take.Fold part) {
        return part.key() + "@" + part.etag();
    }

    /** What the chunks have to fit to. A base of another writer is looked into once. */
    Base base(Live live) {
        return switch (live) {
            case Live.None _ -> Base.NONE;
            case Live.Ours ours -> Base.of(ours);
            case Live.Foreign foreign ->
                foreigners.computeIfAbsent(foreign.pointerEtag(), _ -> {
                    SnapshotBuild.Foreign seen = build.look(foreign, scratch);
                    return Base.foreign(ReceiptOf.collections(seen), ReceiptOf.level(seen.level()));
                });
        };
    }

    /**
     * One attempt.
     *
     * @param batches every open one, that of the message first
     * @param beforeCommit told once everything is uploaded, before the pointer is written: what must not be forgotten if
     *     we die right after it
     */
    Attempt attempt(Live live, Take left, List<Standing> batches, Runnable beforeCommit) {
        makeRoom(live, left);
        long started = System.nanoTime();
        Path directory = scratch.directory("attempt-" + attempts++);
        try (var base = Beside.begin("fetch the base", () -> build.fetch(live, directory, scratch))) {
            List<Path> intermediates = fetched(left, batches.getFirst().batch());
            if (intermediates.size() < left.folds().size()) {
                return new Attempt.Misfit(List.of());
            }
            long baseRecords = base.result();
            long read = System.nanoTime();
            Instant now = tools.store().now();
            Lineage lineage = live.lineage();
            var built = build.run(
                    live,
                    baseRecords,
                    intermediates,
                    refused(lineage),
                    lineage.horizonAt(now, Lineage.HORIZON),
                    directory);
            if (!catalog.isStill(live)) {
                // Whatever is uploaded now could not win any more.
                return new Attempt.Settled(
                        new CommitOutcome.LostRace(catalog.live(), "another version was published meanwhile"));
            }
            long done = System.nanoTime();
            var timings = Timings.start()
                    .add("fetch", read - started)
                    .add("build", done - read)
                    .add("unlock_wait", built.unlockWait().toNanos());
            Manifest manifest = retries.call("upload a version of " + database, () -> {
                Manifest fresh = manifest(live, left, batches, now, built, timings.millis());
                publisher.upload(directory, fresh);
                return fresh;
            });
            beforeCommit.run();
            CommitOutcome outcome = publisher.commit(live, manifest);
            if (outcome instanceof CommitOutcome.Committed(String version) && version.equals(manifest.version())) {
                tools.recipe().budget().warm().keep(manifest, directory);
            }
            return new Attempt.Settled(outcome);
        } catch (SnapshotBuild.MisfitException e) {
            Take.Fold culprit = left.folds().get(e.place());
            if (culprit.grouped()) {
                uselessGroups.add(id(culprit));
                return new Attempt.Misfit(List.of());
            }
            List<Excuse> excuses = left.singles().stream()
                    .filter(part -> part.name().equals(culprit.name()) || goesWith(part, culprit, batches))
                    .map(part -> excuse(part, culprit, e.failure()))
                    .toList();
            excuses.forEach(excuse -> misfits.put(excuse.chunk(), excuse));
            return new Attempt.Misfit(excuses);
        } finally {
            scratch.remove(directory);
        }
    }

    /** All that can be had. What is gone of a group, or of a batch of others, is remembered: the next choice does without. */
    private List<Path> fetched(Take left, String own) {
        var wanted = new LinkedHashMap<String, Wanted>();
        for (Take.Fold part : left.folds()) {
            if (!fetched.containsKey(id(part))) {
                wanted.putIfAbsent(id(part), new Wanted(part, "intermediate-" + fetches++));
            }
        }
        Transfers.each(List.copyOf(wanted.values()), this::fetch, landed -> {
            if (landed.directory() != null) {
                fetched.put(id(landed.part()), landed.directory());
            } else if (landed.gone() != null) {
                leaveOut(landed.part(), own, landed.gone());
            }
        });
        return left.folds().stream()
                .flatMap(part -> Stream.ofNullable(fetched.get(id(part))))
                .toList();
    }

    /** @param name of the directory it goes to */
    private record Wanted(Take.Fold part, String name) {}

    /** @param gone why it is not there; then there is no directory */
    private record Landed(
            Take.Fold part,
            @Nullable Path directory,
            @Nullable FailureException gone) {}

    private void leaveOut(Take.Fold part, String own, FailureException gone) {
        makeAgain(part);
        if (part.grouped()) {
            uselessGroups.add(id(part));
        } else if (part.batch().equals(own)) {
            throw gone;
        } else {
            waitingForTheirs.add(part.batch());
        }
    }

    /** A batch on hold is published whole or not at all. */
    private static boolean goesWith(Take.Fold part, Take.Fold culprit, List<Standing> batches) {
        return part.batch().equals(culprit.batch())
                && batches.stream()
                        .anyMatch(batch -> batch.batch().equals(part.batch())
                                && batch.plan().policy() == Policy.HOLD);
    }

    private static Excuse excuse(Take.Fold part, Take.Fold culprit, Failure failure) {
        return new Excuse(
                part.name(),
                null,
                failure.reason(),
                part.name().equals(culprit.name())
                        ? failure.message()
                        : "batch " + part.batch() + " is on hold and " + culprit.name() + " was refused: "
                                + failure.message(),
                part.receipt() == null ? null : part.receipt().key(),
                part.etag(),
                null);
    }

    private Landed fetch(Wanted wanted) {
        Take.Fold part = wanted.part();
        Receipt.@Nullable Intermediate known =
                part.receipt() == null ? null : part.receipt().intermediate();
        String prefix = part.key().substring(0, part.key().length() - BatchKeys.DATABASE_FILE.length());
        var ref = new IntermediateRef(prefix, part.etag(), known == null ? null : known.sha256());
        try {
            Path directory =
                    retries.call("fetch " + part.key(), () -> ref.fetch(tools.store(), scratch.emptied(wanted.name())));
            return new Landed(part, directory, null);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.DOUBTFUL) {
                throw e;
            }
            return new Landed(part, null, e);
        }
    }

    /** What a receipt names is gone, or is something else: the chunk is processed again, and its receipt corrected. */
    private void makeAgain(Take.Fold part) {
        if (part.receipt() != null) {
            ChunkAgain.message(tools.store(), part.receipt())
                    .ifPresent(body -> tools.sender().send(List.of(body)));
        }
    }

    /** Older than the base's horizon, unless the lineage says that it is inside: then there is nothing to add. */
    private static Predicate<Stamp> refused(Lineage base) {
        Set<String> inside = new HashSet<>();
        base.inputs().forEach(input -> inside.add(input.key() + input.identity()));
        return stamp -> stamp.millis() < base.horizon() && !inside.contains(stamp.key());
    }

    private Manifest manifest(
            Live live,
            Take take,
            List<Standing> batches,
            Instant now,
            SnapshotBuild.Built built,
            Map<String, Long> timings) {
        String version = publisher.freshVersion(live);
        Set<String> open = new HashSet<>();
        batches.forEach(batch -> open.add(batch.batch()));
        Lineage lineage = live.lineage()
                .next(
                        version,
                        now,
                        Lineage.HORIZON,
                        take.chunks(version),
                        take.inputs(version),
                        take.excuses(),
                        chunk -> open.stream().anyMatch(chunk::belongsTo));
        var summary = built.summary();
        return new Manifest(
                Manifest.FORMAT,
                database,
                version,
                live.seq() + 1,
                switch (live) {
                    case Live.None _ -> null;
                    case Live.Ours ours -> ours.version();
                    case Live.Foreign foreign -> foreign.version();
                },
                null,
                new Manifest.Contents(
                        built.files(),
                        ReceiptOf.collections(summary),
                        summary.records(),
                        summary.digest(),
                        ReceiptOf.ledger(built.baseRecords(), summary),
                        ReceiptOf.level(summary.level())),
                lineage,
                timings,
                tools.build());
    }
}
