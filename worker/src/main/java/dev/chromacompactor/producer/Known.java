package dev.chromacompactor.producer;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.producer.Discovery.Why;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the deltas of a database: which are published, taken out, or on their way.
 *
 * @param live by key and identity, as is {@code revoked}
 * @param horizon milliseconds
 * @param waiting in plans of open batches, by key and ETag
 * @param own in the plan of the batch that is sent again: never left out, or its plan would be another one
 * @param legacy deltas older than this are in the snapshot of the writer before us
 */
record Known(
        Set<Identity> live,
        Set<Identity> revoked,
        long horizon,
        Set<Identity> waiting,
        Set<Identity> own,
        Instant legacy) {
    record Identity(String key, String content) {}

    static Known of(ObjectStore store, String database, @Nullable String batch) {
        var catalog = new SnapshotCatalog(store, database);
        Live live = catalog.live();
        Lineage lineage = live.lineage();
        var plans = new Plans(store);
        var waiting = new HashSet<Identity>();
        for (OpenBatches.Marker marker : new OpenBatches(store, database).list()) {
            plans.read(marker.batch())
                    .filter(plan -> plan.database().equals(database))
                    .ifPresent(plan -> waiting.addAll(deltas(plan)));
        }
        return new Known(
                identities(lineage.inputs()),
                identities(lineage.revoked().inputs()),
                lineage.horizon(),
                waiting,
                Optional.ofNullable(batch)
                        .flatMap(plans::read)
                        .map(Known::deltas)
                        .orElse(Set.of()),
                live instanceof Live.Foreign
                        ? store.head(catalog.pointerKey())
                                .map(ObjectStore.ObjectInfo::lastModified)
                                .orElse(Instant.MIN)
                        : Instant.MIN);
    }

    Optional<Why> whyNot(LocatedDelta delta) {
        var content = new Identity(delta.key(), delta.identity());
        var planned = new Identity(delta.key(), delta.main().etag());
        if (own.contains(planned)) {
            return Optional.empty();
        }
        if (live.contains(content)) {
            return Optional.of(Why.LIVE);
        }
        if (revoked.contains(content)) {
            return Optional.of(Why.ROLLED_BACK);
        }
        if (delta.lastModified().toEpochMilli() < horizon) {
            return Optional.of(Why.BEFORE_HORIZON);
        }
        if (waiting.contains(planned)) {
            return Optional.of(Why.IN_OPEN_BATCH);
        }
        return delta.lastModified().isBefore(legacy) ? Optional.of(Why.OLDER_THAN_FOREIGN_SNAPSHOT) : Optional.empty();
    }

    private static Set<Identity> identities(List<Lineage.Input> inputs) {
        var identities = new HashSet<Identity>();
        inputs.forEach(input -> identities.add(new Identity(input.key(), input.identity())));
        return identities;
    }

    private static Set<Identity> deltas(Plan plan) {
        var identities = new HashSet<Identity>();
        for (Plan.Part part : plan.parts()) {
            if (part instanceof Plan.Part.Deltas(var _, List<Plan.Delta> deltas)) {
                deltas.forEach(delta -> identities.add(new Identity(delta.key(), delta.etag())));
            }
        }
        return identities;
    }
}
