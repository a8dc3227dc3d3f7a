package dev.chromacompactor.batch;

import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks how far a batch has come. Whoever writes the last receipt of a stage and looks afterwards sees all of them, so
 * the next stage is always sent by somebody: receipt, look, send, then acknowledge.
 */
public final class FanIn {
    /** Groups of groups, as pairwise merging makes them. */
    private static final int MOST_STAGES = 16;

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
     * The batch, if it has a plan and each of its parts has its verdict: what to ask after each receipt. One listing
     * tells of a batch that still waits; only for the last one of a stage the receipts are read.
     */
    public Optional<Standing> settled(String batch) {
        return plans.read(batch).filter(this::mayBeSettled).map(this::look).filter(Standing::settled);
    }

    private boolean mayBeSettled(Plan plan) {
        var there = store.list(BatchKeys.folder(plan.batch())).stream()
                .map(ObjectInfo::key)
                .collect(Collectors.toSet());
        return plan.parts().stream()
                .allMatch(part -> !(part instanceof Plan.Part.Deltas deltas)
                        || there.contains(BatchKeys.chunkReceipt(plan.batch(), deltas.index())));
    }

    public Standing look(Plan plan) {
        return look(plan, null);
    }

    private Standing look(Plan plan, @Nullable Instant openSince) {
        var items = new ArrayList<Item>();
        for (int position = 0; position < plan.parts().size(); position++) {
            items.add(item(plan, position));
        }
        return new Standing(plan, items, openSince);
    }

    /** Every open batch of the database that has a plan. */
    public List<Standing> open(String database) {
        return open(database, null);
    }

    /** Every other open batch of the database, for a publisher that takes along what others have ready. */
    public List<Standing> openBeside(Plan own) {
        return open(own.database(), own.batch());
    }

    private List<Standing> open(String database, @Nullable String without) {
        return new OpenBatches(store, database)
                .list().stream()
                        .filter(marker -> !marker.batch().equals(without))
                        .map(marker -> plans.read(marker.batch()).map(plan -> look(plan, marker.since())))
                        .flatMap(Optional::stream)
                        .filter(standing -> standing.plan().database().equals(database))
                        .toList();
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
