package dev.chromacompactor.job;

import dev.chromacompactor.compaction.Recipe;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStores;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.telemetry.Traffic;
import java.time.Duration;
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
 * @param metrics told of what happens
 */
public record Tools(
        ObjectStores stores,
        String bucket,
        Sender sender,
        DeadLetterSink letters,
        @Nullable Sender events,
        Recipe recipe,
        String build,
        Metrics metrics) {
    /** For whom nobody asks in numbers. */
    public Tools(
            ObjectStores stores,
            String bucket,
            Sender sender,
            DeadLetterSink letters,
            @Nullable Sender events,
            Recipe recipe,
            String build) {
        this(stores, bucket, sender, letters, events, recipe, build, Metrics.none());
    }

    /** The same, with every request to the object store counted. */
    Tools counting(Traffic traffic) {
        return new Tools(stores.counting(traffic), bucket, sender, letters, events, recipe, build, metrics);
    }

    /** The same, with stage messages that nobody receives before that time is over. */
    Tools sendingAfter(Duration delay) {
        Sender later = bodies -> sender.send(bodies, delay);
        return new Tools(stores, bucket, later, letters, events, recipe, build, metrics);
    }

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
