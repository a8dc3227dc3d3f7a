package dev.chromacompactor.batch;

import dev.chromacompactor.batch.OpenBatches.Marker;
import dev.chromacompactor.batch.Standing.Group;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.store.Transfers;
import dev.chromacompactor.telemetry.Keys;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks how far a batch has come. Whoever writes the last receipt of a stage and looks afterwards sees all of them, so
 * the next stage is always sent by somebody: receipt, look, send, then acknowledge.
 */
public final class FanIn {
    private static final Logger LOG = LoggerFactory.getLogger(FanIn.class);
    /** Groups of groups, as pairwise merging makes them. */
    private static final int MOST_STAGES = 16;
    /** Receipts that are read one after the other; more of them side by side. */
    private static final int FEW = 32;

    private final ObjectStore store;
    private final Receipts receipts;
    private final Plans plans;

    public FanIn(ObjectStore store) {
        this.store = store;
        this.receipts = new Receipts(store);
        this.plans = new Plans(store);
    }

    /** The batch, if it has a plan. */
    public Optional<Standing> look(String batch) {
        return plans.read(batch).map(this::look);
    }

    /**
     * What to send after the receipts of these chunks: their groups if they are settled and not merged, else the final merge
     * if the whole batch is ready. One listing tells of a batch that still waits; only at the end the receipts are read.
     */
    public List<Next> afterChunks(String batch, List<Integer> chunks) {
        return plans.read(batch).map(plan -> after(plan, chunks)).orElse(List.of());
    }

    /** What to send after the receipt of a group: the final merge, if it was the last. */
    public List<Next> afterGroup(Plan plan) {
        return after(plan, List.of());
    }

    private List<Next> after(Plan plan, List<Integer> chunks) {
        Set<String> there = store.list(BatchKeys.folder(plan.batch())).stream()
                .map(ObjectInfo::key)
                .collect(Collectors.toSet());
        List<Next> groups = IntStream.range(0, plan.groups().size())
                .filter(group -> !there.contains(BatchKeys.groupReceipt(plan.batch(), group)))
                .filter(group -> plan.groups().get(group).stream().anyMatch(chunks::contains))
                .filter(group -> plan.groups().get(group).stream()
                        .allMatch(chunk -> there.contains(BatchKeys.chunkReceipt(plan.batch(), chunk))))
                .<Next>mapToObj(Next.Group::new)
                .toList();
        if (!groups.isEmpty()) {
            return groups;
        }
        boolean settled = there.containsAll(receipts(plan));
        return settled && look(plan).ready() ? List.of(new Next.Publish()) : List.of();
    }

    /** The keys of those that there must be in any case. */
    private static List<String> receipts(Plan plan) {
        var keys = new ArrayList<String>();
        for (Plan.Part part : plan.parts()) {
            if (part instanceof Plan.Part.Deltas(int index, var _)) {
                keys.add(BatchKeys.chunkReceipt(plan.batch(), index));
            }
        }
        for (int group = 0; group < plan.groups().size(); group++) {
            keys.add(BatchKeys.groupReceipt(plan.batch(), group));
        }
        return keys;
    }

    public Standing look(Plan plan) {
        return look(plan, null);
    }

    /** Only the chunks of one group. */
    public Standing lookAtGroup(Plan plan, int group) {
        List<Integer> chunks = plan.groups().get(group);
        List<Item> items = IntStream.range(0, plan.parts().size())
                .filter(position -> plan.parts().get(position) instanceof Plan.Part.Deltas(int index, var _)
                        && chunks.contains(index))
                .mapToObj(position -> item(plan, position))
                .toList();
        return new Standing(plan, items, List.of(), null);
    }

    /** @param openSince when its marker was written; null if nobody asks for how long it is open */
    public Standing look(Plan plan, @Nullable Instant openSince) {
        List<Integer> positions =
                IntStream.range(0, plan.parts().size()).boxed().toList();
        List<Item> items = positions.size() <= FEW
                ? positions.stream().map(position -> item(plan, position)).toList()
                : Transfers.each(positions, position -> item(plan, position));
        List<Group> groups = IntStream.range(0, plan.groups().size())
                .mapToObj(index -> new Group(
                        index,
                        plan.groups().get(index),
                        receipts.group(plan.batch(), index).map(FanIn::stateOf).orElseGet(State.Missing::new)))
                .toList();
        return new Standing(plan, items, groups, openSince);
    }

    /** Every open batch of the database that has a plan. */
    public List<Standing> open(String database) {
        return open(database, _ -> true, this::look);
    }

    /**
     * Every other open batch of the database, for a publisher that takes along what others have ready. One that cannot be read
     * is left out and said: its own messages fail, and no others.
     */
    public List<Standing> openBeside(Plan own) {
        return open(own.database(), marker -> !marker.batch().equals(own.batch()), this::lookUnlessUnreadable);
    }

    private List<Standing> open(String database, Predicate<Marker> which, Function<Marker, Optional<Standing>> look) {
        return new OpenBatches(store, database)
                .list().stream()
                        .filter(which)
                        .map(look)
                        .flatMap(Optional::stream)
                        .filter(standing -> standing.plan().database().equals(database))
                        .toList();
    }

    private Optional<Standing> look(Marker marker) {
        return plans.read(marker.batch()).map(plan -> look(plan, marker.since()));
    }

    private Optional<Standing> lookUnlessUnreadable(Marker marker) {
        try {
            return look(marker);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INVARIANT) {
                throw e;
            }
            LOG.atWarn()
                    .addKeyValue(Keys.BATCH_ID, marker.batch())
                    .addKeyValue(Keys.REASON, e.failure().reason())
                    .addKeyValue(Keys.MESSAGE, e.failure().message())
                    .log("open batch cannot be read, published without it");
            return Optional.empty();
        }
    }

    private Item item(Plan plan, int position) {
        Plan.Part part = plan.parts().get(position);
        return switch (part) {
            case Plan.Part.Deltas deltas -> {
                int index = deltas.index();
                State state =
                        receipts.chunk(plan.batch(), index).map(FanIn::stateOf).orElseGet(State.Missing::new);
                yield new Item(
                        ChunkName.of(plan.batch(), index),
                        part,
                        objectKey(BatchKeys.chunk(plan.batch(), index)),
                        state);
            }
            case Plan.Part.Chunk(int index) -> {
                String key = objectKey(BatchKeys.chunk(plan.batch(), index));
                State state =
                        receipts.chunk(plan.batch(), index).map(FanIn::stateOf).orElseGet(() -> found(key));
                yield new Item(ChunkName.of(plan.batch(), index), part, key, state);
            }
            case Plan.Part.Elsewhere(String prefix) -> elsewhere(plan.batch(), position, part, prefix);
            case Plan.Part.Empty _ -> new Item(ChunkName.item(plan.batch(), position), part, null, new State.Empty());
            case Plan.Part.Failed(String what) ->
                new Item(
                        ChunkName.item(plan.batch(), position),
                        part,
                        null,
                        new State.Failed("chunk-failed-before", what, null));
        };
    }

    /** Its name holds its ETag, since another object under the same key is another chunk. */
    private Item elsewhere(String batch, int position, Plan.Part part, String prefix) {
        String key = objectKey(prefix);
        Optional<ObjectInfo> info = store.head(key);
        Optional<Receipt> receipt = BatchKeys.receiptOf(prefix).flatMap(receipts::at);
        if (info.isPresent()) {
            String etag = info.get().etag();
            Receipt matching = receipt.filter(each -> names(each.intermediate(), key, etag))
                    .map(each -> withDeltas(each, MOST_STAGES))
                    .orElse(null);
            return new Item(ChunkName.anonymous(prefix, etag), part, key, new State.Done(key, etag, matching));
        }
        // A done receipt whose object is gone says nothing that helps: it is missing.
        State state = receipt.map(FanIn::stateOf)
                .filter(each -> !(each instanceof State.Done))
                .orElseGet(State.Missing::new);
        return new Item(ChunkName.item(batch, position), part, key, state);
    }

    /**
     * The receipt of a group names intermediates; whoever publishes it wants to know the deltas. They are in the
     * receipts of those intermediates, as long as they speak of the objects that the group was made of.
     */
    private Receipt withDeltas(Receipt receipt, int stages) {
        if (receipt.kind() == Receipt.Kind.CHUNK || stages == 0) {
            return receipt;
        }
        var deltas = new ArrayList<Receipt.Input>();
        for (Receipt.Input input : receipt.inputs()) {
            BatchKeys.receiptOf(input.key())
                    .flatMap(receipts::at)
                    .filter(below -> below.intermediate() != null
                            && below.intermediate().etag().equals(input.identity()))
                    .map(below -> withDeltas(below, stages - 1).inputs())
                    .ifPresentOrElse(deltas::addAll, () -> deltas.add(input));
        }
        return receipt.withInputs(deltas);
    }

    private State found(String key) {
        return store.head(key)
                .<State>map(info -> new State.Done(key, info.etag(), null))
                .orElseGet(State.Missing::new);
    }

    private static State stateOf(Receipt receipt) {
        if (receipt.status() == Receipt.Status.FAILED) {
            Failure failure = Objects.requireNonNull(receipt.failure());
            return new State.Failed(failure.reason(), failure.message(), receipt.key());
        }
        Receipt.Intermediate intermediate = receipt.intermediate();
        return intermediate == null
                ? new State.Empty()
                : new State.Done(intermediate.key(), intermediate.etag(), receipt);
    }

    private static boolean names(Receipt.@Nullable Intermediate intermediate, String key, String etag) {
        return intermediate != null
                && intermediate.key().equals(key)
                && intermediate.etag().equals(etag);
    }

    private static String objectKey(String prefix) {
        return BatchKeys.databaseFile(prefix);
    }
}
