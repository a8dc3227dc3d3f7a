package dev.chromacompactor.question;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.question.BatchAnswer.State;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is known of a batch without a plan: it has none yet, it was collected, or there never was such a batch. */
final class UnplannedBatch {
    private static final Pattern CHUNK = Pattern.compile(".*/chunk-(\\d{1,9})\\.json");

    private final ObjectStore store;
    private final String batch;

    UnplannedBatch(ObjectStore store, String batch) {
        this.store = store;
        this.batch = batch;
    }

    BatchAnswer answer() {
        List<String> receipts = store.list(BatchKeys.folder(batch)).stream()
                .map(ObjectInfo::key)
                .filter(key -> CHUNK.matcher(key).matches())
                .toList();
        Published history = Published.read(store, batch).orElse(null);
        String database =
                history != null ? history.database() : databaseOf(receipts).orElseGet(this::marked);
        if (database == null) {
            return says(
                    null,
                    State.UNKNOWN,
                    "no plan, receipt or marker bears this id, as far back as they are kept",
                    "compactor batch list shows those that are open",
                    null,
                    0);
        }
        List<Lineage.Chunk> inside = inside(database);
        if (!inside.isEmpty() && inside.size() >= receipts.size()) {
            String version = inside.stream()
                    .map(Lineage.Chunk::since)
                    .max(Comparator.naturalOrder())
                    .orElseThrow();
            return says(
                    database,
                    State.INSIDE,
                    "it has no plan any more; " + Words.chunks(inside.size()) + " of it are in the live version, since "
                            + version,
                    Advice.NONE,
                    version,
                    inside.size());
        }
        if (history != null) {
            return history.version() == null
                    ? says(database, State.EMPTY, "there was nothing to publish", Advice.NONE, null, 0)
                    : says(
                            database,
                            State.INSIDE_BEFORE_HORIZON,
                            "was published by " + history.version() + ", says " + BatchKeys.published(batch)
                                    + "; manifests do not list what is that old",
                            Advice.NONE,
                            history.version(),
                            history.inside().size());
        }
        return says(
                database,
                State.NO_PLAN,
                receipts.isEmpty()
                        ? "it has a marker, but its plan is gone"
                        : Words.chunks(receipts.size())
                                + " of it have results, but no final_merge has said what else belongs to it",
                receipts.isEmpty()
                        ? "enqueue it again under the same id"
                        : "send " + StageMessages.finalMerge(batch, database).replaceFirst("}$", "")
                                + ",\"total_chunks\":" + count(receipts) + "}",
                null,
                0);
    }

    private Optional<String> databaseOf(List<String> receipts) {
        return receipts.stream()
                .findFirst()
                .flatMap(key -> new Receipts(store).chunk(batch, index(key)))
                .map(Receipt::database);
    }

    private @Nullable String marked() {
        return Databases.in(store).stream()
                .filter(name -> store.head(BatchKeys.open(name, batch)).isPresent())
                .findFirst()
                .orElse(null);
    }

    private List<Lineage.Chunk> inside(String database) {
        return new SnapshotCatalog(store, database)
                .live().lineage().chunks().stream()
                        .filter(chunk -> chunk.name().belongsTo(batch))
                        .toList();
    }

    /** Chunks are counted from 0. */
    private static int count(List<String> receipts) {
        return 1 + receipts.stream().mapToInt(UnplannedBatch::index).max().orElse(0);
    }

    private static int index(String receipt) {
        Matcher matcher = CHUNK.matcher(receipt);
        return matcher.matches() ? Integer.parseInt(matcher.group(1)) : 0;
    }

    private BatchAnswer says(
            @Nullable String database,
            State state,
            String because,
            String advice,
            @Nullable String version,
            int inside) {
        Instant since = database == null
                ? null
                : store.head(BatchKeys.open(database, batch))
                        .map(ObjectInfo::lastModified)
                        .orElse(null);
        return new BatchAnswer(
                batch, database, state, null, because, advice, null, since, version, inside, inside, List.of());
    }
}
