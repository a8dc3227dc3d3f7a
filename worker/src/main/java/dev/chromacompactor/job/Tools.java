package dev.chromacompactor.job;

import dev.chromacompactor.compaction.Recipe;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStores;
import org.jspecify.annotations.Nullable;

/**
 * What every job works with.
 *
 * @param bucket where the worker's own objects lie
 * @param sender of further stage messages
 * @param letters for what is refused long after its message is gone
 * @param events takes {@code batch_published}; null: no results queue
 * @param recipe limits and waits of the recipes
 * @param build what receipts and manifests name as the worker's build
 */
public record Tools(
        ObjectStores stores,
        String bucket,
        Sender sender,
        DeadLetterSink letters,
        @Nullable Sender events,
        Recipe recipe,
        String build) {
    /** The worker's own bucket. */
    public ObjectStore store() {
        return stores.bucket(bucket);
    }

    /** The bucket a message names; its own if it names none. */
    ObjectStore store(@Nullable String named) {
        return stores.bucket(named == null ? bucket : named);
    }

    /** A place in words, for errors. */
    String where(ObjectRef ref) {
        return "s3://" + (ref.bucket() == null ? bucket : ref.bucket()) + "/" + ref.key();
    }
}
