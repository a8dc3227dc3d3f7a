package dev.chromacompactor.batch;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How far a batch has come, at one moment.
 *
 * @param openSince when its marker was written, by the store's clock; null if it has none
 */
public record Standing(
        Plan plan, List<Item> items, @Nullable Instant openSince) {
    public Standing {
        items = List.copyOf(items);
    }

    /**
     * One part of the plan.
     *
     * @param key of the intermediate that it stands for or should stand for; null if the list named none
     */
    public record Item(
            ChunkName name, Plan.Part part, @Nullable String key, State state) {}

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
                openSince);
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
