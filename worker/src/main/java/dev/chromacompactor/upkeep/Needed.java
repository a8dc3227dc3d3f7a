package dev.chromacompactor.upkeep;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.snapshot.VersionId;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.telemetry.Keys;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is published and what is open, as it was before anything was listed; and whose things are not to be touched. */
final class Needed {
    private static final Logger LOG = LoggerFactory.getLogger(Needed.class);
    /** Groups are called after their batch, and groups of groups after these. */
    private static final Pattern OF_A_GROUP = Pattern.compile("(.+?)(-batch)?-group-\\d+");

    private final ObjectStore store;
    private final Receipts receipts;
    private final Set<String> databases = new TreeSet<>();
    private final Set<String> untouched;
    private final Set<ChunkName> inside = new HashSet<>();
    private final Set<String> objectsInside = new HashSet<>();
    private final Set<String> openBatches = new HashSet<>();
    /** Prefixes of intermediates that the plans of open batches name. */
    private final Set<String> listed = new HashSet<>();

    private Needed(ObjectStore store, Collection<String> untouched) {
        this.store = store;
        this.receipts = new Receipts(store);
        this.untouched = new HashSet<>(untouched);
    }

    /** @param published what was published after this is not yet counted as inside */
    static Needed of(ObjectStore store, Collection<String> databases, Collection<String> untouched, Instant published) {
        var needed = new Needed(store, untouched);
        for (String database : databases) {
            try {
                needed.published(new SnapshotCatalog(store, database).live().lineage(), published);
                needed.databases.add(database);
            } catch (FailureException e) {
                if (e.failure().blame() != Blame.INVARIANT) {
                    throw e;
                }
                needed.untouched.add(database);
                LOG.atWarn()
                        .addKeyValue(Keys.DATABASE, database)
                        .addKeyValue(Keys.REASON, e.failure().reason())
                        .addKeyValue(Keys.MESSAGE, e.failure().message())
                        .log("nothing of this database is taken away until somebody has looked at it");
            }
        }
        needed.databases.forEach(needed::open);
        List.copyOf(needed.untouched).forEach(needed::open);
        return needed;
    }

    private void published(Lineage lineage, Instant before) {
        for (Lineage.Chunk chunk : lineage.chunks()) {
            if (VersionId.time(chunk.since()).filter(before::isAfter).isPresent()) {
                inside.add(chunk.name());
                if (chunk.key() != null) {
                    objectsInside.add(chunk.key() + "@" + chunk.etag());
                }
            }
        }
    }

    private void open(String database) {
        var plans = new Plans(store);
        for (OpenBatches.Marker marker : new OpenBatches(store, database).list()) {
            openBatches.add(marker.batch());
            plans.read(marker.batch())
                    .ifPresent(plan -> plan.parts().forEach(part -> {
                        if (part instanceof Plan.Part.Elsewhere(String key)) {
                            listed.add(key);
                        }
                    }));
        }
    }

    /** Whether everything in this intermediate is in a live version. */
    boolean inside(ObjectInfo info) {
        if (objectsInside.contains(info.key() + "@" + info.etag())) {
            return true;
        }
        Optional<ChunkName> chunk = BatchKeys.chunkOf(prefix(info));
        if (chunk.isPresent()) {
            return inside.contains(chunk.get());
        }
        return receipts.ofIntermediate(prefix(info))
                .map(Receipt::covers)
                .filter(covers -> !covers.isEmpty() && inside.containsAll(covers))
                .isPresent();
    }

    /** Whether an open batch could ask for this intermediate, or nothing of its database may go. */
    boolean stillWanted(ObjectInfo info) {
        String folder = info.key().split("/", -1)[1];
        for (Matcher group = OF_A_GROUP.matcher(folder); group.matches(); group = OF_A_GROUP.matcher(folder)) {
            if (openBatches.contains(folder)) {
                return true;
            }
            folder = group.group(1);
        }
        return openBatches.contains(folder)
                || listed.contains(prefix(info))
                || (!untouched.isEmpty()
                        && receipts.ofIntermediate(prefix(info))
                                .map(Receipt::database)
                                .filter(untouched::contains)
                                .isPresent());
    }

    /** @param one of the batch's objects, which names its database */
    boolean closed(String batch, ObjectInfo one) {
        if (openBatches.contains(batch)) {
            return false;
        }
        Optional<String> database = store.read(one.key())
                .map(content ->
                        Json.read(content.bytes(), Named.class, one.key()).database());
        // Asked again at the last moment: somebody may just have sent the same batch once more.
        return database.isPresent()
                && !untouched.contains(database.get())
                && store.head(BatchKeys.open(database.get(), batch)).isEmpty();
    }

    /** Where workers write objects large enough to go up in parts. */
    List<String> uploadedBelow(String intermediates) {
        var prefixes = new ArrayList<>(List.of(intermediates));
        databases.forEach(database -> prefixes.add(database + "/snapshot/"));
        return prefixes;
    }

    private static String prefix(ObjectInfo info) {
        return info.key().substring(0, info.key().lastIndexOf('/') + 1);
    }

    /** What plans, receipts and {@code swept.json} have in common. */
    private record Named(@Nullable String database) {}
}
