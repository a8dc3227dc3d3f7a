package dev.chromacompactor.compaction;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.ReadAhead;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.chroma.Summary;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.Beside;
import dev.chromacompactor.store.ObjectStores;
import dev.chromacompactor.store.Sha256;
import dev.chromacompactor.store.Transfers;
import dev.chromacompactor.telemetry.Metrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * {@code process_chunk}: fetch each delta, check its tables, then fold all of them, oldest first, into one intermediate. Records
 * are checked while they are read, so what is wrong with the last one shows when the others are folded; nothing is left of them.
 */
public final class ChunkFold {
    /** The place of a delta in the order, once it is known when it was written. */
    @FunctionalInterface
    public interface StampRule {
        /** @param writtenAt newest operation in the delta, milliseconds since the epoch; empty if it holds none */
        Stamp stamp(DeltaInput input, OptionalLong writtenAt);
    }

    private record Fetched(DeltaInput input, Path directory, Stamp stamp) {}

    private record Landed(DeltaInput input, Path directory) {}

    private final ObjectStores stores;
    private final Recipe recipe;
    private final Repeat repeat;

    /** @param repeat of the download of one delta */
    public ChunkFold(ObjectStores stores, Recipe recipe, Repeat repeat) {
        this.stores = stores;
        this.recipe = recipe;
        this.repeat = repeat;
    }

    /**
     * Makes the intermediate in {@code scratch}.
     *
     * @throws FailureException naming the delta
     */
    public Intermediate run(List<DeltaInput> inputs, StampRule stamps, Scratch scratch) {
        List<Fetched> fetched = fetched(inputs, stamps, scratch);
        fetched.sort(Comparator.comparing(Fetched::stamp));

        Path directory = scratch.directory("intermediate");
        List<FoldedDelta> folded = new ArrayList<>();
        Summary summary;
        try (Fold fold = Fold.intermediate(directory)) {
            var sources = fetched.stream()
                    .map(each ->
                            new ReadAhead.Source(each.directory(), each.input().collection()))
                    .toList();
            try (ReadAhead deltas = fold.reading(sources, CostModel.READ_AHEAD)) {
                for (Fetched delta : fetched) {
                    folded.add(about(delta.input(), () -> apply(delta, deltas, fold)));
                    // Its space is free as soon as the fold lets go of it: a chunk needs no more disk than its inputs
                    // and its result.
                    Scratch.deleteTree(delta.directory());
                }
            }
            summary = fold.finishIntermediate();
        }
        return finished(directory, summary, recipe, folded);
    }

    /** Closes the circle for a folded directory: nothing holds it, a stranger can read it, its bytes have a name. */
    static Intermediate finished(Path directory, Summary summary, Recipe recipe, List<FoldedDelta> inputs) {
        Duration waited = recipe.unlocked(directory);
        Path file = directory.resolve("chroma.sqlite3");
        try (var sha256 = Beside.begin("hash " + file, () -> Sha256.of(file))) {
            recipe.check(directory);
            return new Intermediate(file, Files.size(file), sha256.result(), summary, waited, inputs);
        } catch (IOException e) {
            throw new UncheckedIOException("measure " + file, e);
        }
    }

    /** One delta is validated while the next ones are under way. */
    private List<Fetched> fetched(List<DeltaInput> inputs, StampRule stamps, Scratch scratch) {
        List<Fetched> fetched = new ArrayList<>();
        var rows = new Rows();
        Transfers.each(
                IntStream.range(0, inputs.size()).boxed().toList(),
                place -> about(inputs.get(place), () -> land(inputs.get(place), place, scratch)),
                landed -> about(landed.input(), () -> {
                    scratch.reserve(rows.with(landed));
                    return fetched.add(validated(landed, stamps));
                }));
        return fetched;
    }

    private Landed land(DeltaInput input, int place, Scratch scratch) {
        LocatedDelta located = input.located();
        var growth = new Growth(located, scratch);
        Path directory = repeat.call(
                "fetch delta " + located.key(),
                () -> Deltas.fetch(
                        stores.bucket(located.bucket()),
                        located,
                        scratch.emptied("delta-" + place),
                        scratch.file("archive-" + place),
                        recipe.limits(),
                        growth));
        return new Landed(input, directory);
    }

    /** What is kept in memory goes by the number of rows, and that is known only once a delta is here. */
    private static final class Rows {
        private long most;
        private long all;

        /** Of the deltas so far and this one. */
        Footprint with(Landed delta) {
            long rows = ChromaDatabase.rows(delta.directory());
            most = Math.max(most, rows);
            all += rows;
            return CostModel.counted(most, all);
        }
    }

    private Fetched validated(Landed delta, StampRule stamps) {
        long begun = System.nanoTime();
        ChromaDatabase.checkTables(delta.directory());
        try (ChromaDatabase database = ChromaDatabase.openTrusted(delta.directory())) {
            recipe.metrics().validated(Metrics.Subject.DELTA, Duration.ofNanos(System.nanoTime() - begun));
            return new Fetched(
                    delta.input(), delta.directory(), stamps.stamp(delta.input(), database.writtenAtMillis()));
        }
    }

    private static FoldedDelta apply(Fetched delta, ReadAhead deltas, Fold fold) {
        try (ChromaDatabase database = deltas.next()) {
            var applied = fold.apply(database, delta.stamp(), delta.input().collection());
            long records = 0;
            for (CollectionInfo collection : database.collections()) {
                records += database.records(collection);
            }
            return new FoldedDelta(
                    delta.input(),
                    delta.stamp(),
                    database.level(),
                    records,
                    applied.ledger(),
                    warnings(delta.input(), database, records));
        }
    }

    private static List<String> warnings(DeltaInput input, ChromaDatabase database, long records) {
        List<String> warnings = new ArrayList<>();
        Long declared = input.declaredCount();
        if (declared != null && declared != records) {
            warnings.add("the message declares " + declared + " records, the delta holds " + records);
        }
        for (CollectionInfo collection : database.collections()) {
            var findings = database.findings(collection);
            if (findings.ignoredUpdates() > 0) {
                warnings.add(findings.ignoredUpdates() + " updates in " + collection.name()
                        + " name ids it does not hold; Chroma ignores them, and so do we");
            }
            if (findings.positionsWithoutTrace() > 0) {
                warnings.add(findings.positionsWithoutTrace() + " operations on " + collection.name()
                        + " left no trace: deletes of ids it never held are lost once Chroma has synced its index");
            }
        }
        return warnings;
    }

    private interface Step<T> {
        T run();
    }

    /** Names the delta in whatever goes wrong with it. */
    private static <T> T about(DeltaInput input, Step<T> step) {
        try {
            return step.run();
        } catch (FailureException e) {
            Failure failure = e.failure();
            throw new FailureException(
                    failure.blame(),
                    failure.reason(),
                    "delta " + input.located().key() + ": " + failure.message(),
                    e);
        }
    }
}
