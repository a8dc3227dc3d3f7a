package dev.chromacompactor.batch;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.PutOutcome;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The receipts in the bucket. */
public final class Receipts {
    /** A receipt moves twice at most, apart from lost intermediates; more tries than that are unanswered writes. */
    private static final int TRIES = 8;

    private final ObjectStore store;

    public Receipts(ObjectStore store) {
        this.store = store;
    }

    public Optional<Receipt> chunk(String batch, int index) {
        return read(BatchKeys.chunkReceipt(batch, index)).map(Held::receipt);
    }

    public Optional<Receipt> group(String batch, int group) {
        return read(BatchKeys.groupReceipt(batch, group)).map(Held::receipt);
    }

    /** @param prefix of an intermediate, with a trailing slash */
    public Optional<Receipt> ofIntermediate(String prefix) {
        return BatchKeys.receiptOf(prefix).flatMap(this::at);
    }

    Optional<Receipt> at(String key) {
        return read(key).map(Held::receipt);
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
        for (int left = TRIES; left > 0; left--) {
            Optional<Held> there = read(mine.key());
            PutOutcome outcome;
            if (there.isEmpty()) {
                outcome = store.putIfAbsent(mine.key(), body);
            } else {
                requireSameWork(there.get().receipt(), mine.database(), sameInputs ? mine.inputKeys() : Set.of());
                if (!isAbove(mine, there.get().receipt())) {
                    return there.get().receipt();
                }
                outcome = store.putIfMatch(mine.key(), body, there.get().etag());
            }
            if (outcome instanceof PutOutcome.Won) {
                return mine;
            }
        }
        throw new FailureException(
                Blame.DEPENDENCY,
                "s3-write-unconfirmed",
                "write receipt " + mine.key() + ": no answer says whether it is there");
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

    private Optional<Held> read(String key) {
        return store.read(key).map(content -> {
            Receipt receipt = Json.read(content.bytes(), Receipt.class, key);
            if (receipt.format() != Receipt.FORMAT) {
                throw new FailureException(
                        Blame.INVARIANT,
                        "receipt-format-unknown",
                        "read " + key + ": format " + receipt.format() + ", this build knows " + Receipt.FORMAT);
            }
            return new Held(receipt, content.info().etag());
        });
    }

    private record Held(Receipt receipt, String etag) {}
}
