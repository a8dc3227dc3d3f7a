package dev.chromacompactor.job;

import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.IntermediateInfo;
import dev.chromacompactor.chroma.SchemaLevel;
import dev.chromacompactor.chroma.Summary;
import dev.chromacompactor.compaction.FoldedDelta;
import dev.chromacompactor.compaction.Intermediate;
import dev.chromacompactor.compaction.SnapshotBuild;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Ledger;
import dev.chromacompactor.snapshot.Manifest;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Turns what the engine says into what receipts and manifests hold. */
final class ReceiptOf {
    private ReceiptOf() {}

    /**
     * @param keys the deltas of this chunk among the inputs of {@code made}
     * @param lastModified that counts, by delta key
     */
    static Receipt chunk(
            String database,
            String batch,
            int index,
            Set<String> keys,
            Intermediate made,
            Receipt.Intermediate placed,
            Map<String, Long> lastModified,
            Map<String, Long> timings,
            String build) {
        List<FoldedDelta> mine = made.inputs().stream()
                .filter(delta -> keys.contains(delta.input().located().key()))
                .toList();
        List<Receipt.Input> inputs = mine.stream()
                .map(delta -> new Receipt.Input(
                        delta.input().located().key(),
                        delta.input().located().identity(),
                        delta.stamp().millis(),
                        delta.stamp().position(),
                        lastModified.get(delta.input().located().key()),
                        delta.records()))
                .toList();
        List<String> warnings = mine.stream()
                .flatMap(delta -> delta.warnings().stream()
                        .map(warning -> delta.input().located().key() + ": " + warning))
                .toList();
        return done(
                database, batch, Receipt.Kind.CHUNK, index, inputs, List.of(), made, placed, warnings, timings, build);
    }

    static Receipt group(
            String database,
            String batch,
            int index,
            List<Receipt.Input> inputs,
            List<ChunkName> covers,
            Intermediate made,
            Receipt.Intermediate placed,
            Map<String, Long> timings,
            String build) {
        return done(
                database, batch, Receipt.Kind.GROUP, index, inputs, covers, made, placed, List.of(), timings, build);
    }

    private static Receipt done(
            String database,
            String batch,
            Receipt.Kind kind,
            int index,
            List<Receipt.Input> inputs,
            List<ChunkName> covers,
            Intermediate made,
            Receipt.Intermediate placed,
            List<String> warnings,
            Map<String, Long> timings,
            String build) {
        Summary summary = made.summary();
        IntermediateInfo info = Fold.describe(made.directory());
        return new Receipt(
                Receipt.FORMAT,
                database,
                batch,
                kind,
                index,
                Receipt.Status.DONE,
                inputs,
                covers,
                placed,
                collections(summary),
                level(info.seedLevel()),
                summary.lists(),
                summary.records(),
                ledger(0, summary),
                summary.digest(),
                warnings,
                null,
                null,
                timings,
                build);
    }

    static List<Manifest.Collection> collections(Summary summary) {
        return summary.collections().stream()
                .map(collection -> new Manifest.Collection(
                        collection.name(),
                        collection.id(),
                        collection.records(),
                        collection.dimension(),
                        collection.space().label()))
                .toList();
    }

    static List<Manifest.Collection> collections(SnapshotBuild.Foreign seen) {
        return seen.collections().stream()
                .map(held -> new Manifest.Collection(
                        held.collection().name(),
                        held.collection().id(),
                        held.records(),
                        held.collection().dimension(),
                        held.collection().space().label()))
                .toList();
    }

    static Manifest.Level level(SchemaLevel level) {
        return new Manifest.Level(level.sysdb(), level.metadb(), level.queue());
    }

    static Ledger ledger(long base, Summary summary) {
        var ledger = summary.ledger();
        return new Ledger(
                base,
                ledger.in(),
                ledger.added(),
                ledger.merged(),
                ledger.stale(),
                ledger.deletesEffective(),
                ledger.deletesIdle(),
                ledger.refused(),
                summary.records());
    }
}
