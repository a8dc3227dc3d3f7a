package dev.chromacompactor.question;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.question.BatchAnswer.Obstacle;
import dev.chromacompactor.question.BatchAnswer.Outside;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.store.ObjectStore;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What of a batch is not in the live version, part by part.
 *
 * @param inside parts that are in it, or held nothing
 * @param old parts that are not, each with the time of its youngest delta in milliseconds, as far as it is known
 */
record Outsiders(int inside, List<Outside> list, List<Long> old) {
    /** Intermediates without a receipt that are looked for; the answer names no more chunks than that either. */
    private static final int MOST_LOOKED_AT = 5;

    Outsiders {
        list = List.copyOf(list);
        old = List.copyOf(old);
    }

    /**
     * @param own against the lineage
     * @param excuses those of the lineage, and those that the next publish would add
     */
    static Outsiders of(ObjectStore store, Standing own, Lineage lineage, List<Excuse> excuses) {
        Map<ChunkName, Excuse> whole = new HashMap<>();
        excuses.stream().filter(excuse -> excuse.input() == null).forEach(excuse -> whole.put(excuse.chunk(), excuse));
        Map<ChunkName, Lineage.Chunk> revoked = lineage.revoked().chunks().stream()
                .collect(Collectors.toMap(Lineage.Chunk::name, chunk -> chunk, (first, _) -> first));
        int inside = 0;
        int looks = 0;
        var list = new ArrayList<Outside>();
        var old = new ArrayList<Long>();
        for (Item item : own.items()) {
            Outside outside = switch (item.state()) {
                case State.Inside _, State.Empty _ -> null;
                case State state when revoked.containsKey(item.name()) -> rolledBack(item, revoked.get(item.name()));
                case State.Missing _ ->
                    missing(item, item.key() != null && looks++ < MOST_LOOKED_AT && isThere(store, item.key()));
                case State.Failed(String reason, String message, String _) ->
                    new Outside(item.name(), null, Obstacle.FAILED, reason, message, since(whole.get(item.name())));
                case State.Done(String _, String _, Receipt receipt) -> folded(item, receipt, whole.get(item.name()));
            };
            if (outside == null) {
                inside++;
                excuses.stream()
                        .filter(excuse ->
                                excuse.input() != null && excuse.chunk().equals(item.name()))
                        .forEach(excuse -> list.add(refused(excuse)));
            } else {
                list.add(outside);
                old.add(youngest(item));
            }
        }
        return new Outsiders(inside, list, old);
    }

    private static Outside rolledBack(Item item, Lineage.@Nullable Chunk was) {
        return new Outside(
                item.name(),
                null,
                Obstacle.ROLLED_BACK,
                "rolled-back",
                "taken out by a rollback; compactor snapshot release lets it in again",
                was == null ? null : was.since());
    }

    private static Outside missing(Item item, boolean intermediateThere) {
        return new Outside(
                item.name(),
                null,
                Obstacle.MISSING,
                null,
                intermediateThere
                        ? "no receipt, but " + item.key()
                                + " is there: a worker died between the two, and the message comes again"
                        : "neither result nor failure yet",
                null);
    }

    private static Outside folded(Item item, @Nullable Receipt receipt, @Nullable Excuse excuse) {
        return excuse != null
                ? refused(excuse)
                : new Outside(
                        item.name(),
                        null,
                        Obstacle.FOLDED,
                        null,
                        receipt == null ? "folded" : "folded, %,d records".formatted(receipt.records()),
                        null);
    }

    private static Outside refused(Excuse excuse) {
        return new Outside(
                excuse.chunk(), excuse.input(), Obstacle.REFUSED, excuse.reason(), excuse.message(), excuse.since());
    }

    private static @Nullable String since(@Nullable Excuse excuse) {
        return excuse == null ? null : excuse.since();
    }

    private static boolean isThere(ObjectStore store, @Nullable String key) {
        return key != null && store.head(key).isPresent();
    }

    /** A stamp is never later than the store first saw its delta. */
    private static long youngest(Item item) {
        if (item.state() instanceof State.Done(String _, String _, Receipt receipt) && receipt != null) {
            return receipt.inputs().stream()
                    .mapToLong(input -> input.millis() == null ? Long.MAX_VALUE : input.millis())
                    .max()
                    .orElse(Long.MAX_VALUE);
        }
        return item.part() instanceof Plan.Part.Deltas(int _, List<Plan.Delta> deltas)
                ? deltas.stream().mapToLong(Plan.Delta::lastModified).max().orElse(Long.MAX_VALUE)
                : Long.MAX_VALUE;
    }

    /** The last version that took something of it in; null if none has, or none that the lineage remembers. */
    static @Nullable String takenInBy(Standing own, Lineage lineage) {
        Set<ChunkName> names = new HashSet<>();
        Set<String> keys = new HashSet<>();
        for (Item item : own.items()) {
            if (item.state() instanceof State.Inside) {
                names.add(item.name());
                if (item.part() instanceof Plan.Part.Elsewhere(String prefix)) {
                    keys.add(BatchKeys.databaseFile(prefix));
                }
            }
        }
        return lineage.chunks().stream()
                .filter(chunk -> names.contains(chunk.name()) || (chunk.key() != null && keys.contains(chunk.key())))
                .map(Lineage.Chunk::since)
                .max(Comparator.naturalOrder())
                .orElse(null);
    }

    boolean any(Obstacle obstacle) {
        return list.stream().anyMatch(each -> each.obstacle() == obstacle);
    }

    /** To be asked of an obstacle that there is. */
    Outside first(Obstacle obstacle) {
        return list.stream()
                .filter(each -> each.obstacle() == obstacle)
                .findFirst()
                .orElseThrow();
    }

    List<ChunkName> names(Obstacle obstacle) {
        return list.stream()
                .filter(each -> each.obstacle() == obstacle)
                .map(Outside::chunk)
                .toList();
    }

    boolean allBefore(long horizon) {
        return old.stream().allMatch(millis -> millis < horizon);
    }
}
