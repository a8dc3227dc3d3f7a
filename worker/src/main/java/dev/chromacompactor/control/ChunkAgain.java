package dev.chromacompactor.control;

import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.store.ObjectStore;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** The message by which a chunk is processed once more, after the intermediate that its receipt names is gone. */
public final class ChunkAgain {
    private ChunkAgain() {}

    /** Empty if neither plan nor receipt knows the deltas and where their records go. */
    public static Optional<String> message(ObjectStore store, Receipt receipt) {
        if (receipt.kind() != Receipt.Kind.CHUNK) {
            return Optional.empty();
        }
        boolean planned = new Plans(store)
                .read(receipt.batch())
                .map(plan -> !plan.deltas(receipt.index()).isEmpty())
                .orElse(false);
        if (planned) {
            return Optional.of(StageMessages.processChunk(receipt.batch(), receipt.index(), receipt.database()));
        }
        if (receipt.collections().size() != 1) {
            return Optional.empty();
        }
        // No plan knows the deltas, but the receipt does. All of them went into its one collection.
        String collection = receipt.collections().getFirst().name();
        List<DeltaRef> deltas = receipt.inputs().stream()
                .sorted(Comparator.comparingLong(Receipt.Input::position))
                .map(input -> new DeltaRef(null, input.key(), collection, null, null))
                .toList();
        return Optional.of(StageMessages.processChunk(receipt.batch(), receipt.index(), receipt.database(), deltas));
    }
}
