package dev.chromacompactor.question;

import dev.chromacompactor.batch.Standing.State.Failed;
import dev.chromacompactor.compaction.Deltas;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.question.DeltaAnswer.State;
import dev.chromacompactor.question.DeltaBatches.Place;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage.Input;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a delta is. The live manifest comes first: inside, or taken out, or inside with another content; then what waits
 * and what was excused; what is older than all of these is told from plans and receipts as long as they are kept.
 */
final class DeltaQuestion {
    /** Versions that a rollback is looked for in. */
    private static final int MOST_VERSIONS = 100;

    private final ObjectStore store;
    private final String database;
    private final String key;
    private final SnapshotCatalog catalog;
    private final Live live;
    private final @Nullable LocatedDelta delta;
    private final DeltaBatches batches;

    DeltaQuestion(ObjectStore store, String database, ObjectStore holder, String key) {
        this.store = store;
        this.database = database;
        this.key = Deltas.normalised(key);
        this.catalog = new SnapshotCatalog(store, database);
        this.live = catalog.live();
        this.delta = Deltas.find(holder, this.key).orElse(null);
        this.batches = new DeltaBatches(store, database, live.lineage(), this.key);
    }

    DeltaAnswer answer() {
        return inside().or(this::rolledBack)
                .or(this::replaced)
                .or(this::waiting)
                .or(this::excused)
                .orElseGet(this::untold);
    }

    private Optional<DeltaAnswer> inside() {
        return newest(live.lineage().inputs(), true)
                .map(input -> says(
                        State.INSIDE,
                        null,
                        "is in the live version" + (delta == null ? "; what lay there is gone by now" : "")
                                + "; inside since " + input.since(),
                        Advice.NONE,
                        input.since(),
                        input.chunk()));
    }

    private Optional<DeltaAnswer> rolledBack() {
        return newest(live.lineage().revoked().inputs(), true).map(input -> {
            String by = takenOutBy(input);
            return says(
                    State.ROLLED_BACK,
                    null,
                    "was inside since " + input.since() + ", and was taken out again by " + by
                            + "; it stays out until released",
                    Advice.release(database, List.of(input.chunk())),
                    by,
                    input.chunk());
        });
    }

    private Optional<DeltaAnswer> replaced() {
        return newest(live.lineage().inputs(), false).map(input -> {
            Optional<Place> next =
                    batches.waiting().filter(place -> !place.chunk().equals(input.chunk()));
            return says(
                    State.REPLACED,
                    null,
                    "is inside with another content, since " + input.since()
                            + "; it was written again, and the new content "
                            + next.map(place -> "waits for chunk " + place.chunk())
                                    .orElse("is in no open batch"),
                    next.map(place -> Advice.watch(place.batch())).orElseGet(() -> Advice.enqueue(database, key)),
                    input.since(),
                    next.map(Place::chunk).orElse(input.chunk()));
        });
    }

    private Optional<DeltaAnswer> waiting() {
        return batches.waiting().map(place -> {
            String reason = place.state() instanceof Failed failed ? failed.reason() : null;
            return says(
                    State.WAITING,
                    reason,
                    "waits for chunk " + place.chunk() + ", which " + place.words(),
                    reason == null ? "compactor batch explain " + place.batch() : Advice.replay(place.batch()),
                    null,
                    place.chunk());
        });
    }

    private Optional<DeltaAnswer> excused() {
        return batches.excuse()
                .map(excuse -> says(
                        State.EXCUSED,
                        excuse.reason(),
                        "is not inside: " + excuse.chunk() + ": " + excuse.reason() + ": " + excuse.message()
                                + (excuse.since() == null ? "" : "; excused since " + excuse.since()),
                        "compactor batch explain " + DeltaBatches.batchOf(excuse.chunk()) + " says what can be done",
                        null,
                        excuse.chunk()));
    }

    /** The manifest says nothing about it. */
    private DeltaAnswer untold() {
        List<Place> history = batches.history();
        ChunkName last = history.isEmpty() ? null : history.getLast().chunk();
        String known = history.isEmpty()
                ? "no plan that is still there names it"
                : "it was in chunk " + last + ", which " + history.getLast().words();
        if (delta == null) {
            return history.isEmpty()
                    ? says(
                            State.NOT_THERE,
                            null,
                            "nothing lies there, and " + known,
                            "look at the key again",
                            null,
                            null)
                    : says(State.NOT_THERE, null, "nothing lies there any more; " + known, Advice.NONE, null, last);
        }
        Instant written = delta.lastModified();
        if (written.toEpochMilli() < live.lineage().horizon()) {
            return says(
                    State.BEFORE_HORIZON,
                    null,
                    "was written " + written + ", before the horizon "
                            + Instant.ofEpochMilli(live.lineage().horizon())
                            + ", so the manifest cannot tell; " + known,
                    "if its records are wanted and not there, write them again as a new delta",
                    null,
                    last);
        }
        if (live instanceof Live.Foreign(String version, String _, String place)
                && written.isBefore(pointerWritten())) {
            return says(
                    State.BEFORE_FOREIGN_SNAPSHOT,
                    null,
                    "was written " + written + ", before the live version " + version
                            + ", which another writer made and which does not say what is inside; " + known,
                    "compactor inspect s3://" + store.bucket() + "/" + place + " looks into that version",
                    null,
                    last);
        }
        return says(
                State.UNKNOWN,
                null,
                "lies there and is not inside; " + known,
                Advice.enqueue(database, key),
                null,
                last);
    }

    /** @param asItIs only with the content that lies there now; if nothing lies there, with any */
    private Optional<Input> newest(List<Input> inputs, boolean asItIs) {
        return inputs.stream()
                .filter(input -> input.key().equals(key))
                .filter(input -> !asItIs || delta == null || input.identity().equals(delta.identity()))
                .max(Comparator.comparing(Input::since));
    }

    /** The oldest version on the way back from the live one that has it taken out. */
    private String takenOutBy(Input input) {
        Manifest manifest = ((Live.Ours) live).manifest();
        for (int left = MOST_VERSIONS; left > 0 && manifest.base() != null; left--) {
            Optional<Manifest> base = catalog.load(manifest.base())
                    .filter(each -> each.lineage().revoked().inputs().contains(input));
            if (base.isEmpty()) {
                break;
            }
            manifest = base.get();
        }
        return manifest.version();
    }

    private Instant pointerWritten() {
        return store.head(catalog.pointerKey()).map(ObjectInfo::lastModified).orElse(Instant.MIN);
    }

    private DeltaAnswer says(
            State state,
            @Nullable String reason,
            String because,
            String advice,
            @Nullable String version,
            @Nullable ChunkName chunk) {
        return new DeltaAnswer(
                key, database, delta == null ? null : delta.identity(), state, reason, because, advice, version, chunk);
    }
}
