package dev.chromacompactor.batch;

import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.store.ObjectStore;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code batches/<batch>/published.json}: what became of a batch, for people and for the event. History: nobody
 * decides anything by it, only the live manifest says what is inside.
 *
 * @param version the last one that took something of this batch in; null if there was nothing to take
 * @param totalEmbeddings records of the batch, as far as receipts count them
 * @param snapshotEmbeddings records of the live version when this was written
 */
public record Published(
        int format,
        String batch,
        String database,
        @Nullable String version,
        long totalEmbeddings,
        long snapshotEmbeddings,
        List<ChunkName> inside,
        List<Lineage.Excuse> excused,
        @Nullable PollResults pollResults) {
    public static final int FORMAT = 1;

    public Published {
        Objects.requireNonNull(batch, "batch");
        Objects.requireNonNull(database, "database");
        inside = List.copyOf(Objects.requireNonNullElse(inside, List.of()));
        excused = List.copyOf(Objects.requireNonNullElse(excused, List.of()));
    }

    /**
     * @param batch as {@link FanIn} sees it, whatever is published
     * @param excuses everything excused now, of any batch
     */
    public static Published of(Standing batch, Live live, List<Lineage.Excuse> excuses) {
        Lineage lineage = live.lineage();
        Standing now = batch.against(lineage);
        Set<ChunkName> inside = now.items().stream()
                .filter(item -> item.state() instanceof State.Inside)
                .map(Item::name)
                .collect(Collectors.toSet());
        Set<ChunkName> names = batch.items().stream().map(Item::name).collect(Collectors.toSet());
        String version = lineage.chunks().stream()
                .filter(chunk -> inside.contains(chunk.name()))
                .map(Lineage.Chunk::since)
                .max(Comparator.naturalOrder())
                .orElse(null);
        long total = batch.items().stream()
                .filter(item -> inside.contains(item.name()))
                .mapToLong(item -> item.state() instanceof State.Done done && done.receipt() != null
                        ? done.receipt().records()
                        : 0)
                .sum();
        return new Published(
                FORMAT,
                batch.batch(),
                batch.plan().database(),
                version,
                total,
                live instanceof Live.Ours ours ? ours.manifest().contents().records() : 0,
                inside.stream().sorted().toList(),
                excuses.stream()
                        .filter(excuse -> names.contains(excuse.chunk()))
                        .toList(),
                batch.plan().pollResults());
    }

    /**
     * Whether this is news: nothing was written yet, or what is inside or excused has changed since. Send the event, then
     * {@link #write}.
     */
    public boolean isNews(ObjectStore store) {
        return read(store, batch)
                .map(there -> !Objects.equals(version, there.version)
                        || !inside.equals(there.inside)
                        || !subjects().equals(there.subjects()))
                .orElse(true);
    }

    /**
     * The same with what is inside since before the horizon: the manifest tells of it no more, so a chunk that comes again is
     * refused as too old, whether it is inside or not.
     *
     * @param before what was written last
     */
    public Published after(Published before) {
        Set<ChunkName> kept = excused.stream()
                .filter(excuse -> excuse.input() == null && excuse.reason().equals(Lineage.OLDER_THAN_HORIZON))
                .map(Lineage.Excuse::chunk)
                .filter(before.inside::contains)
                .collect(Collectors.toSet());
        if (kept.isEmpty()) {
            return this;
        }
        return new Published(
                format,
                batch,
                database,
                version == null ? before.version : version,
                Math.max(totalEmbeddings, before.totalEmbeddings),
                snapshotEmbeddings,
                Stream.concat(inside.stream(), kept.stream())
                        .distinct()
                        .sorted()
                        .toList(),
                excused.stream()
                        .filter(excuse -> !kept.contains(excuse.chunk()))
                        .toList(),
                pollResults);
    }

    /** What was written last; history, see above. */
    public static Optional<Published> read(ObjectStore store, String batch) {
        String key = BatchKeys.published(batch);
        return store.read(key).map(content -> Json.read(content.bytes(), Published.class, key));
    }

    public void write(ObjectStore store) {
        store.put(BatchKeys.published(batch), Json.write(this));
    }

    private Set<List<String>> subjects() {
        return excused.stream()
                .map(excuse ->
                        List.of(excuse.chunk().text(), Objects.requireNonNullElse(excuse.input(), ""), excuse.reason()))
                .collect(Collectors.toSet());
    }
}
