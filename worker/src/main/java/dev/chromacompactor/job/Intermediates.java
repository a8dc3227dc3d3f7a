package dev.chromacompactor.job;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.compaction.CostModel;
import dev.chromacompactor.compaction.Intermediate;
import dev.chromacompactor.compaction.IntermediateRef;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.store.PutOutcome;
import dev.chromacompactor.store.Sha256;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Puts intermediates into the bucket: one object each, create-only, so that two workers cannot interleave. */
final class Intermediates {
    private final ObjectStore store;

    Intermediates(ObjectStore store) {
        this.store = store;
    }

    /** What one is to a job that reads it, as its receipt says, or as the store says of one without. */
    CostModel.Input size(String key, @Nullable Receipt receipt) {
        Receipt.Intermediate known = receipt == null ? null : receipt.intermediate();
        return receipt == null || known == null
                ? CostModel.Input.uncounted(
                        store.head(key).map(ObjectInfo::size).orElse(0L))
                : new CostModel.Input(known.size(), receipt.records());
    }

    /**
     * Puts {@code made} below {@code prefix}, or finds what a duplicate has put there before.
     *
     * @return the object that is there now, which the receipt has to name
     * @throws FailureException INPUT {@code batch-id-reused} if what is there was made of other inputs; DOUBTFUL {@code
     *     intermediate-altered} if it is no intermediate
     */
    Receipt.Intermediate put(String prefix, Intermediate made, Scratch scratch) {
        String key = BatchKeys.databaseFile(prefix);
        if (store.putIfAbsent(key, made.file()) instanceof PutOutcome.Won(String etag)) {
            return new Receipt.Intermediate(key, etag, made.size(), made.sha256());
        }
        Optional<ObjectInfo> there = store.head(key);
        if (there.isEmpty()) {
            throw new FailureException(
                    Blame.DEPENDENCY, "s3-write-unconfirmed", "write " + key + ": no answer says whether it is there");
        }
        Path fetched = new IntermediateRef(prefix, there.get().etag(), null).fetch(store, scratch.directory("there"));
        List<String> inside = inputsOf(fetched, key);
        List<String> mine = Fold.describe(made.directory()).inputs();
        if (!inside.equals(mine)) {
            throw FailureException.input(
                    "batch-id-reused", key + " is there already, made of other inputs: " + inside + ", not " + mine);
        }
        return new Receipt.Intermediate(
                key, there.get().etag(), there.get().size(), Sha256.of(fetched.resolve(BatchKeys.DATABASE_FILE)));
    }

    /** What cannot be read is not the fault of the deltas, and nothing of ours: it is left to whoever put it there. */
    private static List<String> inputsOf(Path fetched, String key) {
        try {
            return Fold.describe(fetched).inputs();
        } catch (FailureException e) {
            throw e.failure().blame() == Blame.INPUT
                    ? new FailureException(
                            Blame.DOUBTFUL,
                            "intermediate-altered",
                            key + " is there already and is no intermediate ("
                                    + e.failure().message() + "): delete it, and it is made again",
                            e)
                    : e;
        }
    }
}
