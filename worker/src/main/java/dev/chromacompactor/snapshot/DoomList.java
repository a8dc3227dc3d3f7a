package dev.chromacompactor.snapshot;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.Content;
import dev.chromacompactor.store.PutOutcome;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What collectors are about to delete: {@code <db>/snapshot/gc.json}, changed by compare-and-swap only.
 *
 * <p>Each collector has an entry of its own. With one common list, a collector that spares a pinned version and takes it
 * off the list would also take away the word of another one, which looked at the pins earlier and is about to delete
 * it; a pin in between would be accepted and not hold. So an entry goes when its own collector is done, and a version
 * out of anybody's entry only when nothing of it is left. What a collector that died leaves behind dooms its versions
 * until the next one has deleted them.
 */
final class DoomList {
    private static final int FORMAT = 1;
    /** Each lost write is another collector's success. */
    private static final int TRIES = 20;

    private final ObjectStore store;
    private final String key;

    DoomList(ObjectStore store, String database) {
        this.store = store;
        this.key = new SnapshotCatalog(store, database).folder() + "gc.json";
    }

    private record Listed(int format, List<Run> runs) {
        Listed {
            runs = List.copyOf(Objects.requireNonNullElse(runs, List.of()));
        }
    }

    /** @param since milliseconds */
    private record Run(String id, long since, List<String> versions) {
        Run {
            Objects.requireNonNull(id, "id");
            versions = List.copyOf(Objects.requireNonNullElse(versions, List.of()));
        }

        Run without(Predicate<String> gone) {
            return new Run(id, since, versions.stream().filter(gone.negate()).toList());
        }
    }

    /** Every version that is about to go. */
    Set<String> versions() {
        var versions = new HashSet<String>();
        store.read(key).map(this::runs).orElse(List.of()).forEach(run -> versions.addAll(run.versions()));
        return versions;
    }

    /** Dooms versions, for a collector that has not looked at the pins yet. @return the name of its entry */
    String add(Collection<String> versions, Instant now) {
        var mine = new Run(UUID.randomUUID().toString(), now.toEpochMilli(), List.copyOf(versions));
        change(runs -> {
            if (runs.contains(mine)) {
                return runs; // an earlier try of ours, whose answer was lost
            }
            var more = new ArrayList<>(runs);
            more.add(mine);
            return more;
        });
        return mine.id();
    }

    /** Takes the entry of a collector away, which will delete nothing more, and off the others what it has deleted. */
    void remove(String id, Collection<String> gone) {
        forget(id, gone::contains);
    }

    /** Takes versions off, whoever doomed them, of which nothing is left. */
    void forget(Predicate<String> gone) {
        forget(null, gone);
    }

    private void forget(@Nullable String id, Predicate<String> gone) {
        change(runs -> runs.stream()
                .filter(run -> !run.id().equals(id))
                .map(run -> run.without(gone))
                .filter(run -> !run.versions().isEmpty())
                .toList());
    }

    private void change(UnaryOperator<List<Run>> change) {
        for (int left = TRIES; left > 0; left--) {
            Optional<Content> there = store.read(key);
            List<Run> before = there.map(this::runs).orElse(List.of());
            List<Run> after = change.apply(before);
            if (after.equals(before)) {
                return;
            }
            byte[] body = Json.write(new Listed(FORMAT, after));
            PutOutcome outcome = there.isEmpty()
                    ? store.putIfAbsent(key, body)
                    : store.putIfMatch(key, body, there.get().info().etag());
            if (outcome instanceof PutOutcome.Won) {
                return;
            }
        }
        throw new FailureException(
                Blame.CONFLICT,
                "collection-contended",
                "write " + key + ": others changed it each time, or no answer came");
    }

    private List<Run> runs(Content content) {
        Listed listed = Json.read(content.bytes(), Listed.class, key);
        if (listed.format() != FORMAT) {
            throw new FailureException(
                    Blame.INVARIANT,
                    "doom-list-format-unknown",
                    "read " + key + ": format " + listed.format() + ", this build knows " + FORMAT);
        }
        return listed.runs();
    }
}
