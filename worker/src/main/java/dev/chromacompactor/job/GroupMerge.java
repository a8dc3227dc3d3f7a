package dev.chromacompactor.job;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.compaction.CostModel;
import dev.chromacompactor.compaction.GroupFold;
import dev.chromacompactor.compaction.IntermediateRef;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.store.Transfers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Joins intermediates into one and puts it where the group's belongs. */
final class GroupMerge {
    private final Tools tools;
    private final GroupFold fold;
    private final Retries retries;

    GroupMerge(Tools tools, Retries retries) {
        this.tools = tools;
        this.fold = new GroupFold(tools.recipe());
        this.retries = retries;
    }

    /**
     * @param done each {@link State.Done}
     * @param name for people
     * @return the receipt, which is not written yet
     */
    Receipt run(String database, String batch, int group, List<Item> done, String name) {
        long started = System.nanoTime();
        try (Scratch scratch = tools.recipe().budget().scratch("group", name)) {
            scratch.reserve(CostModel.group(sizes(done)));
            List<Path> fetched = Transfers.each(
                    IntStream.range(0, done.size()).boxed().toList(),
                    place -> fetch((State.Done) done.get(place).state(), scratch, "input-" + place));
            List<Receipt.Input> inputs = new ArrayList<>();
            List<ChunkName> covers = new ArrayList<>();
            for (Item item : done) {
                State.Done state = (State.Done) item.state();
                inputs.add(new Receipt.Input(
                        prefix(state.key()), state.etag(), null, inputs.size(), null, records(state)));
                covers.add(item.name());
                if (state.receipt() != null) {
                    Receipt below = state.receipt();
                    if (below.kind() == Receipt.Kind.CHUNK) {
                        // Whatever batch the group calls itself: the chunk is one of the batch in its receipt.
                        covers.add(ChunkName.of(below.batch(), below.index()));
                    }
                    covers.addAll(below.covers());
                }
            }
            var made = fold.run(fetched, scratch);
            long folded = System.nanoTime();
            var placed = new Intermediates(tools.store()).put(BatchKeys.group(batch, group), made, scratch);
            var timings = Timings.start()
                    .add("fold", folded - started)
                    .add("unlock_wait", made.unlockWait().toNanos())
                    .add("upload", System.nanoTime() - folded);
            return ReceiptOf.group(
                    database,
                    batch,
                    group,
                    inputs,
                    covers.stream().distinct().toList(),
                    made,
                    placed,
                    timings.millis(),
                    tools.build());
        }
    }

    private List<CostModel.Input> sizes(List<Item> done) {
        var intermediates = new Intermediates(tools.store());
        return done.stream()
                .map(item -> (State.Done) item.state())
                .map(state -> intermediates.size(state.key(), state.receipt()))
                .toList();
    }

    private Path fetch(State.Done done, Scratch scratch, String name) {
        Receipt.Intermediate known =
                done.receipt() == null ? null : done.receipt().intermediate();
        String sha256 = known == null ? null : known.sha256();
        var ref = new IntermediateRef(prefix(done.key()), done.etag(), sha256);
        return retries.call("fetch " + done.key(), () -> ref.fetch(tools.store(), scratch.emptied(name)));
    }

    private static String prefix(String objectKey) {
        return objectKey.substring(0, objectKey.length() - BatchKeys.DATABASE_FILE.length());
    }

    private static long records(State.Done done) {
        return done.receipt() == null ? 0 : done.receipt().records();
    }
}
