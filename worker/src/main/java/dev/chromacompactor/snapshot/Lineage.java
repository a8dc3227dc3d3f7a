package dev.chromacompactor.snapshot;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a version is made of: the only thing that decides whether a chunk is published.
 *
 * @param horizon milliseconds; inputs stamped before it are refused, deletes before it are forgotten; 0: none yet
 * @param born milliseconds, when the first version of ours was made
 * @param chunks inside, as far as they were published after the horizon
 * @param inputs deltas inside, likewise
 * @param excused planned but not inside, each with its reason
 * @param revoked taken out by a rollback; never taken in again by themselves
 */
public record Lineage(
        long horizon, long born, List<Chunk> chunks, List<Input> inputs, List<Excuse> excused, Revoked revoked) {
    /** Deletes are remembered, and inputs accepted, for so long: two weeks in the queue and two in the dead letters. */
    public static final Duration HORIZON = Duration.ofDays(30);

    /** The reason of an excuse: what was written before the horizon is not merged any more. */
    public static final String OLDER_THAN_HORIZON = "older-than-horizon";

    public static final Lineage EMPTY =
            new Lineage(0, 0, List.of(), List.of(), List.of(), new Revoked(List.of(), List.of()));

    public Lineage {
        chunks = List.copyOf(Objects.requireNonNullElse(chunks, List.of()));
        inputs = List.copyOf(Objects.requireNonNullElse(inputs, List.of()));
        excused = List.copyOf(Objects.requireNonNullElse(excused, List.of()));
        revoked = Objects.requireNonNullElse(revoked, new Revoked(List.of(), List.of()));
    }

    /**
     * @param key of the intermediate's one object; null for a chunk that came in through a group's
     * @param etag of that object as it was folded
     * @param since the version that took it in
     */
    public record Chunk(
            ChunkName name, @Nullable String key, @Nullable String etag, String since) {
        public Chunk {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(since, "since");
        }
    }

    /**
     * One delta as it was read.
     *
     * @param key of the delta
     * @param identity ETag of an archive, or SHA-256 over the sorted (name, ETag, size) of a prefix
     * @param millis the time in its stamp
     * @param position the place in its stamp
     * @param chunk the chunk that brought it
     * @param since the version that took it in
     */
    public record Input(String key, String identity, long millis, long position, ChunkName chunk, String since) {
        public Input {
            Objects.requireNonNull(key, "key");
            Objects.requireNonNull(identity, "identity");
            Objects.requireNonNull(chunk, "chunk");
            Objects.requireNonNull(since, "since");
        }

        /** What it is, whoever brought it. */
        List<String> delta() {
            return List.of(key, identity);
        }
    }

    /**
     * Something planned that is not inside.
     *
     * @param input key of the one delta that is meant; null: the whole chunk
     * @param reason stable kebab-case name
     * @param receipt key of the receipt that says more, if there is one
     * @param etag of the intermediate that was refused, so that it is not tried again; null if the chunk failed before
     * @param since the first version that names it
     */
    public record Excuse(
            ChunkName chunk,
            @Nullable String input,
            String reason,
            String message,
            @Nullable String receipt,
            @Nullable String etag,
            @Nullable String since) {
        public Excuse {
            Objects.requireNonNull(chunk, "chunk");
            Objects.requireNonNull(reason, "reason");
            Objects.requireNonNull(message, "message");
        }

        Excuse since(String version) {
            return since == null ? new Excuse(chunk, input, reason, message, receipt, etag, version) : this;
        }
    }

    public record Revoked(List<Chunk> chunks, List<Input> inputs) {
        public Revoked {
            chunks = List.copyOf(Objects.requireNonNullElse(chunks, List.of()));
            inputs = List.copyOf(Objects.requireNonNullElse(inputs, List.of()));
        }
    }

    public boolean holds(ChunkName name) {
        return chunks.stream().anyMatch(chunk -> chunk.name().equals(name));
    }

    public Set<ChunkName> names() {
        var names = new HashSet<ChunkName>();
        chunks.forEach(chunk -> names.add(chunk.name()));
        return names;
    }

    public boolean holdsInput(String key, String identity) {
        return inputs.stream()
                .anyMatch(input -> input.key().equals(key) && input.identity().equals(identity));
    }

    /** {@code max(horizon, now − age)}, and none as long as the database is younger than {@code age}. */
    public long horizonAt(Instant now, Duration age) {
        long wanted = now.minus(age).toEpochMilli();
        return born == 0 || wanted < born ? horizon : Math.max(horizon, wanted);
    }

    /**
     * The lineage of the next version. Entries published before the new horizon leave, unless their batch is still
     * open: whether such a chunk is inside must be known until then. The horizon itself makes the rest safe, since
     * an input as old as that is refused.
     *
     * @param version the next version; new entries are marked with it
     * @param taken chunks that come in
     * @param brought deltas that come in; of the same delta the larger stamp stays
     * @param excuses everything that is planned and not inside, old and new
     * @param open whether a chunk belongs to a batch that is still open
     */
    public Lineage next(
            String version,
            Instant now,
            Duration age,
            Collection<Chunk> taken,
            Collection<Input> brought,
            Collection<Excuse> excuses,
            Predicate<ChunkName> open) {
        long nextHorizon = horizonAt(now, age);
        var nextChunks = new ArrayList<Chunk>();
        chunks.stream()
                .filter(chunk -> open.test(chunk.name()) || !before(nextHorizon, chunk.since()))
                .forEach(nextChunks::add);
        Set<ChunkName> there = new HashSet<>();
        nextChunks.forEach(chunk -> there.add(chunk.name()));
        taken.stream().filter(chunk -> there.add(chunk.name())).forEach(nextChunks::add);
        Map<List<String>, Input> nextInputs = new LinkedHashMap<>();
        inputs.stream()
                .filter(input -> open.test(input.chunk()) || !before(nextHorizon, input.since()))
                .forEach(input -> nextInputs.put(input.delta(), input));
        brought.forEach(input -> nextInputs.merge(input.delta(), input, Lineage::largerStamp));
        var nextExcuses = excuses.stream()
                .map(excuse -> excuse.since(version))
                .filter(excuse -> open.test(excuse.chunk())
                        || !before(nextHorizon, Objects.requireNonNullElse(excuse.since(), version)))
                .toList();
        var nextRevoked = new Revoked(
                revoked.chunks().stream()
                        .filter(chunk -> open.test(chunk.name()) || !before(nextHorizon, chunk.since()))
                        .toList(),
                revoked.inputs().stream()
                        .filter(input -> open.test(input.chunk()) || !before(nextHorizon, input.since()))
                        .toList());
        long nextBorn = born == 0 ? now.toEpochMilli() : born;
        return new Lineage(
                nextHorizon, nextBorn, nextChunks, List.copyOf(nextInputs.values()), nextExcuses, nextRevoked);
    }

    /**
     * The lineage of a version that has the content of {@code target} and comes after this one. What is inside here and not
     * there is revoked. Of what this one excuses the failures stay; what it <em>refused</em> is looked at anew, unless the
     * target refused it too: it did not fit to what is taken out.
     */
    Lineage revertedTo(Lineage target) {
        Set<ChunkName> inside = target.names();
        var out = new LinkedHashMap<ChunkName, Chunk>();
        Stream.concat(revoked.chunks().stream(), chunks.stream())
                .filter(chunk -> !inside.contains(chunk.name()))
                .forEach(chunk -> out.put(chunk.name(), chunk));
        var outInputs = new LinkedHashMap<List<String>, Input>();
        Stream.concat(revoked.inputs().stream(), inputs.stream())
                .forEach(input -> outInputs.merge(input.delta(), input, Lineage::largerStamp));
        target.inputs.forEach(input -> outInputs.remove(input.delta()));
        var stillExcused = excused.stream()
                .filter(excuse -> !out.containsKey(excuse.chunk()))
                .filter(excuse -> excuse.input() != null || !inside.contains(excuse.chunk()))
                .filter(excuse -> excuse.etag() == null || target.excused().contains(excuse))
                .toList();
        return new Lineage(
                Math.max(horizon, target.horizon),
                target.born,
                target.chunks,
                target.inputs,
                stillExcused,
                new Revoked(List.copyOf(out.values()), List.copyOf(outInputs.values())));
    }

    /**
     * The same content, with these chunks free to come in again.
     *
     * @param names of the chunks
     * @param brought (key, identity) of inputs that they are known to hold, beside those that are listed as theirs
     * @param settled excuses that this makes void
     */
    public Lineage releasing(Set<ChunkName> names, Set<List<String>> brought, Collection<Excuse> settled) {
        return new Lineage(
                horizon,
                born,
                chunks,
                inputs,
                excused.stream().filter(excuse -> !settled.contains(excuse)).toList(),
                new Revoked(
                        revoked.chunks().stream()
                                .filter(chunk -> !names.contains(chunk.name()))
                                .toList(),
                        revoked.inputs().stream()
                                .filter(input -> !names.contains(input.chunk()) && !brought.contains(input.delta()))
                                .toList()));
    }

    private static Input largerStamp(Input a, Input b) {
        boolean keep = a.millis() != b.millis() ? a.millis() > b.millis() : a.position() >= b.position();
        return keep ? a : b;
    }

    private static boolean before(long horizon, String version) {
        Optional<Instant> made = VersionId.time(version);
        return made.isPresent() && made.get().toEpochMilli() < horizon;
    }
}
