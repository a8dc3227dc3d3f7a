package dev.chromacompactor.batch;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How far a batch has come, at one moment.
 *
 * @param groups as the plan has them
 * @param openSince when its marker was written, by the store's clock; null if it has none
 */
public record Standing(
        Plan plan,
        List<Item> items,
        List<Group> groups,
        @Nullable Instant openSince) {
    public Standing {
        items = List.copyOf(items);
        groups = List.copyOf(groups);
    }

    /**
     * One part of the plan.
     *
     * @param key of the intermediate that it stands for or should stand for; null if the list named none
     */
    public record Item(
            ChunkName name, Plan.Part part, @Nullable String key, State state) {}

    /**
     * Chunks that are merged together before the final merge. That saves a publisher work and decides nothing: what is
     * complete is told by the chunks alone.
     *
     * @param state of what they were merged into
     */
    public record Group(int index, List<Integer> chunks, State state) {
        public Group {
            chunks = List.copyOf(chunks);
        }
    }

    public sealed interface State {
        /** Nothing is known about it. */
        record Missing() implements State {}

        record Failed(
                String reason, String message, @Nullable String receipt) implements State {}

        record Empty() implements State {}

        /** In the live version already; what it came from may be gone. */
        record Inside() implements State {}

        /**
         * @param etag of the intermediate's object
         * @param receipt null if it has none: then its stamps are only known from inside
         */
        record Done(String key, String etag, @Nullable Receipt receipt) implements State {}
    }

    /** The same, knowing what is published: nothing that is inside is missed, though its intermediate was collected. */
    public Standing against(Lineage lineage) {
        var names = lineage.names();
        var keys = lineage.chunks().stream().map(Lineage.Chunk::key).collect(Collectors.toSet());
        return new Standing(
                plan,
                items.stream()
                        .map(item -> {
                            boolean gone = item.state() instanceof State.Missing && keys.contains(item.key());
                            return gone || names.contains(item.name())
                                    ? new Item(item.name(), item.part(), item.key(), new State.Inside())
                                    : item;
                        })
                        .toList(),
                groups,
                openSince);
    }

    Standing openSince(@Nullable Instant marked) {
        return new Standing(plan, items, groups, marked);
    }

    public String batch() {
        return plan.batch();
    }

    /** Every part has its verdict: the moment to send the next stage. */
    public boolean settled() {
        return items.stream().noneMatch(item -> item.state() instanceof State.Missing);
    }

    /** Settled, and under {@link Policy#HOLD} nothing failed: may be published. */
    public boolean ready() {
        return items.stream().allMatch(item -> switch (item.state()) {
            case State.Missing _ -> false;
            case State.Failed _ -> plan.policy() == Policy.PUBLISH;
            case State.Empty _, State.Inside _, State.Done _ -> true;
        });
    }

    /** Groups without a verdict whose chunks all have theirs. What is failed or inside needs no merge, but a last word too. */
    private List<Group> owed() {
        return groups.stream()
                .filter(group -> group.state() instanceof State.Missing)
                .filter(group -> items(group).stream().noneMatch(item -> item.state() instanceof State.Missing))
                .toList();
    }

    /** Whether its chunks are merged in groups right now. It could be published without, but that would be more work. */
    public boolean merging() {
        return owed().stream()
                .flatMap(group -> items(group).stream())
                .anyMatch(item -> item.state() instanceof State.Done);
    }

    List<Item> items(Group group) {
        return items.stream()
                .filter(item -> item.part() instanceof Plan.Part.Deltas(int index, var _)
                        && group.chunks().contains(index))
                .toList();
    }

    /**
     * What to send if nothing of the batch is on its way: planned chunks without a verdict, groups whose chunks all have
     * one, or the final merge. Nothing for a batch on hold with failed chunks, and for what no plan knows how to make. To be
     * asked of a standing {@link #against} the live lineage: what is inside needs nothing more.
     */
    public List<Next> next() {
        var next = new ArrayList<Next>();
        for (Item item : missing()) {
            if (item.part() instanceof Plan.Part.Deltas(int index, var _)) {
                next.add(new Next.Chunk(index));
            }
        }
        owed().forEach(group -> next.add(new Next.Group(group.index())));
        if (next.isEmpty() && ready()) {
            next.add(new Next.Publish());
        }
        return List.copyOf(next);
    }

    public List<Item> missing() {
        return items.stream()
                .filter(item -> item.state() instanceof State.Missing)
                .toList();
    }

    public List<Item> failed() {
        return items.stream()
                .filter(item -> item.state() instanceof State.Failed)
                .toList();
    }

    /**
     * Why this batch waits for something that nobody will send: an intermediate that a list names and that is not
     * there ({@code INPUT intermediate-missing}), or a counted chunk nobody has heard of ({@code DOUBTFUL
     * incomplete}). Empty for a planned batch, whose chunks are on their way. To be asked of a standing {@link
     * #against} the live lineage: what is inside is not missed.
     */
    public Optional<Failure> stuck() {
        Optional<Item> first = missing().stream().findFirst();
        return switch (plan.origin()) {
            case ENQUEUED -> Optional.empty();
            case LISTED ->
                first.map(item -> new Failure(
                        Blame.INPUT,
                        "intermediate-missing",
                        "final merge of batch " + batch() + ": " + item.key()
                                + " is not there and no receipt says why"));
            case COUNTED ->
                first.map(item -> new Failure(
                        Blame.DOUBTFUL,
                        "incomplete",
                        "final merge of batch " + batch() + ": of " + items.size() + " chunks, " + item.name()
                                + " has neither a receipt nor an intermediate at " + item.key()));
        };
    }
}
