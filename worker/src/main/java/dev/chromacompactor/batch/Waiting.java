package dev.chromacompactor.batch;

import dev.chromacompactor.batch.OpenBatches.Marker;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.telemetry.Backlog;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What every database of a bucket waits for, in chunks and in time: open markers, their plans and the live lineage.
 *
 * <p>Cheap enough to be asked every minute: a plan is read once, as it never changes, a manifest once for each version, and of
 * a database without open batches nothing but the listing of its markers. No receipt is read: a chunk that turns out to be
 * empty counts until its batch is closed. Not for several threads.
 */
public final class Waiting {
    /** Prefixes of the bucket that are looked at; what lies behind is not counted. */
    private static final int MOST_DATABASES = 1000;
    /** Plans kept in memory. */
    private static final int MOST_BATCHES = 2000;

    /** A chunk of a plan, and when its oldest delta was written, as far as the plan knows. */
    private record Chunk(@Nullable ChunkName name, @Nullable String key, long oldest) {
        boolean inside(Seen live) {
            return (name != null && live.names().contains(name))
                    || (key != null && live.keys().contains(key));
        }

        boolean excused(Seen live) {
            return name != null && live.gone().contains(name);
        }
    }

    /** What the live version says. */
    private record Seen(String pointer, Set<ChunkName> names, Set<String> keys, Set<ChunkName> gone) {
        static final Seen NOTHING = new Seen("", Set.of(), Set.of(), Set.of());
    }

    private final ObjectStore store;
    private final Plans plans;
    private final Map<String, Seen> versions = new HashMap<>();

    private final Map<String, List<Chunk>> planned = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, List<Chunk>> eldest) {
            return size() > MOST_BATCHES;
        }
    };

    public Waiting(ObjectStore store) {
        this.store = store;
        this.plans = new Plans(store);
    }

    /** By database, only those with open batches. */
    public Map<String, Backlog> look() {
        Map<String, Backlog> found = new HashMap<>();
        store.folders("").stream().limit(MOST_DATABASES).forEach(folder -> {
            String database = folder.substring(0, folder.length() - 1);
            List<Marker> markers = new OpenBatches(store, database).list();
            if (markers.isEmpty()) {
                versions.remove(database);
            } else {
                found.put(database, backlog(database, markers));
            }
        });
        return found;
    }

    private Backlog backlog(String database, List<Marker> markers) {
        Seen seen = seen(database);
        int chunks = 0;
        int excused = 0;
        long oldest = Long.MAX_VALUE;
        for (Marker marker : markers) {
            for (Chunk chunk : chunks(marker)) {
                if (chunk.inside(seen)) {
                    continue;
                }
                if (chunk.excused(seen)) {
                    excused++;
                } else {
                    chunks++;
                    oldest = Math.min(
                            oldest, Math.min(chunk.oldest(), marker.since().toEpochMilli()));
                }
            }
        }
        return new Backlog(
                markers.size(), chunks, excused, oldest == Long.MAX_VALUE ? null : Instant.ofEpochMilli(oldest));
    }

    private Seen seen(String database) {
        var catalog = new SnapshotCatalog(store, database);
        String pointer = store.head(catalog.pointerKey())
                .map(ObjectStore.ObjectInfo::etag)
                .orElse("");
        Seen before = versions.getOrDefault(database, Seen.NOTHING);
        if (pointer.equals(before.pointer())) {
            return before;
        }
        Lineage lineage = catalog.live().lineage();
        Set<String> keys = new HashSet<>();
        lineage.chunks().stream()
                .map(Lineage.Chunk::key)
                .filter(Objects::nonNull)
                .forEach(keys::add);
        Set<ChunkName> gone = new HashSet<>();
        lineage.excused().stream().filter(excuse -> excuse.input() == null).forEach(excuse -> gone.add(excuse.chunk()));
        lineage.revoked().chunks().forEach(chunk -> gone.add(chunk.name()));
        Seen now = new Seen(pointer, lineage.names(), keys, gone);
        versions.put(database, now);
        return now;
    }

    private List<Chunk> chunks(Marker marker) {
        List<Chunk> known = planned.get(marker.batch());
        if (known == null) {
            Optional<Plan> plan = plans.read(marker.batch());
            if (plan.isEmpty()) {
                return List.of(); // the marker of a batch whose plan is about to be written
            }
            known = chunks(plan.get());
            planned.put(marker.batch(), known);
        }
        return known;
    }

    private static List<Chunk> chunks(Plan plan) {
        List<Chunk> chunks = new ArrayList<>();
        for (Plan.Part part : plan.parts()) {
            switch (part) {
                case Plan.Part.Deltas deltas ->
                    chunks.add(new Chunk(
                            ChunkName.of(plan.batch(), deltas.index()),
                            null,
                            deltas.deltas().stream()
                                    .mapToLong(Plan.Delta::lastModified)
                                    .min()
                                    .orElse(Long.MAX_VALUE)));
                case Plan.Part.Chunk chunk ->
                    chunks.add(new Chunk(ChunkName.of(plan.batch(), chunk.index()), null, Long.MAX_VALUE));
                case Plan.Part.Elsewhere elsewhere ->
                    chunks.add(new Chunk(null, BatchKeys.databaseFile(elsewhere.key()), Long.MAX_VALUE));
                case Plan.Part.Empty _, Plan.Part.Failed _ -> {}
            }
        }
        return chunks;
    }
}
