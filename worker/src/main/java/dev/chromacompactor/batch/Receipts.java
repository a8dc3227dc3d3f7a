package dev.chromacompactor.batch;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.store.ObjectStore;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The receipts in the bucket. */
public final class Receipts {
    private final ObjectStore store;

    public Receipts(ObjectStore store) {
        this.store = store;
    }

    public Optional<Receipt> chunk(String batch, int index) {
        return at(BatchKeys.chunkReceipt(batch, index));
    }

    public Optional<Receipt> group(String batch, int group) {
        return at(BatchKeys.groupReceipt(batch, group));
    }

    /** @param prefix of an intermediate, with a trailing slash */
    public Optional<Receipt> ofIntermediate(String prefix) {
        return BatchKeys.receiptOf(prefix).flatMap(this::at);
    }

    Optional<Receipt> at(String key) {
        return store.read(key).map(content -> parsed(key, content.bytes()));
    }

    /**
     * Moves the receipt of a chunk or group up to {@code mine}, never down: a slow duplicate that failed does not
     * overwrite what is done.
     *
     * @return the receipt that is there now, mine or a better one
     * @throws FailureException {@code INPUT batch-id-reused} if the one there is about another database or other
     *     inputs; {@code DEPENDENCY} if no answer says what is there
     */
    public Receipt raise(Receipt mine) {
        return raise(mine, true);
    }

    /**
     * {@link #raise} for a group of a plan. That is the same work whatever it was made of: a chunk that came later may be in
     * one and not in the other, and each says what it holds.
     */
    public Receipt raisePlanned(Receipt mine) {
        return raise(mine, false);
    }

    private Receipt raise(Receipt mine, boolean sameInputs) {
        byte[] body = Json.write(mine);
        byte[] now = store.settle(mine.key(), before -> {
            if (before.isPresent()) {
                Receipt there = parsed(mine.key(), before.get());
                requireSameWork(there, mine.database(), sameInputs ? mine.inputKeys() : Set.of());
                if (!isAbove(mine, there)) {
                    return Optional.empty();
                }
            }
            return Optional.of(body);
        });
        return parsed(mine.key(), now);
    }

    /**
     * @throws FailureException {@code INPUT batch-id-reused} if the receipt of this chunk is about something else
     */
    public void requireUnused(String database, String batch, Receipt.Kind kind, int index, Set<String> inputKeys) {
        String key = kind == Receipt.Kind.CHUNK
                ? BatchKeys.chunkReceipt(batch, index)
                : BatchKeys.groupReceipt(batch, index);
        at(key).ifPresent(there -> requireSameWork(there, database, inputKeys));
    }

    private boolean isAbove(Receipt mine, Receipt there) {
        if (mine.status() != there.status()) {
            return mine.status().compareTo(there.status()) > 0;
        }
        if (mine.status() == Receipt.Status.FAILED) {
            return false; // the first sight is the one that counts: it pins the times of the inputs
        }
        if (there.intermediate() == null || mine.intermediate() == null || sameObject(mine, there)) {
            return false;
        }
        return !isThere(there.intermediate());
    }

    private static boolean sameObject(Receipt mine, Receipt there) {
        return Objects.equals(mine.intermediate(), there.intermediate());
    }

    /** Whether an intermediate is still the object that its receipt speaks of; a collected one may have been made anew. */
    public boolean isThere(Receipt.Intermediate intermediate) {
        return store.head(intermediate.key())
                .map(info -> info.etag().equals(intermediate.etag()))
                .orElse(false);
    }

    private static void requireSameWork(Receipt there, String database, Set<String> inputKeys) {
        if (!there.database().equals(database)) {
            throw reused(there, "is for database " + there.database() + ", this one for " + database);
        }
        Set<String> before = there.inputKeys();
        boolean failedBefore = there.status() == Receipt.Status.FAILED;
        // Of a failed chunk less may be known, or a part left out on purpose.
        boolean same = before.equals(inputKeys)
                || (failedBefore && (before.isEmpty() || (!inputKeys.isEmpty() && before.containsAll(inputKeys))));
        if (!same && !inputKeys.isEmpty()) {
            var unknown = new TreeSet<>(inputKeys);
            unknown.removeAll(before);
            throw reused(there, unknown.isEmpty() ? "has more inputs" : "does not know the input " + unknown.first());
        }
    }

    private static FailureException reused(Receipt there, String why) {
        return FailureException.input(
                "batch-id-reused",
                "batch_id " + there.batch() + " was used before: its receipt " + there.key() + " " + why);
    }

    private static Receipt parsed(String key, byte[] json) {
        Receipt receipt = Json.read(json, Receipt.class, key);
        if (receipt.format() != Receipt.FORMAT) {
            throw new FailureException(
                    Blame.INVARIANT,
                    "receipt-format-unknown",
                    "read " + key + ": format " + receipt.format() + ", this build knows " + Receipt.FORMAT);
        }
        return receipt;
    }
}
