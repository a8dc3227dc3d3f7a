package dev.chromacompactor.message;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One message of the queue, parsed and checked. Null means absent.
 *
 * <p>{@code database} is null where the body has none: then it follows from the delta keys or the plan.
 */
public sealed interface Message {
    String batchId();

    @Nullable
    String database();

    /**
     * Fold the deltas of a chunk into an intermediate.
     *
     * @param chunkIndices one index, or several ({@code chunk_indices}, {@code batched})
     * @param batched whether the message came with {@code chunk_indices}: another output key
     * @param deltas the list in the body, or null: look in {@code chunks}, else in the plan
     */
    record ProcessChunk(
            String batchId,
            List<Integer> chunkIndices,
            boolean batched,
            @Nullable String database,
            @Nullable List<DeltaRef> deltas,
            @Nullable ObjectRef chunks)
            implements Message {}

    /**
     * Fold intermediates into one ({@code merge_chunk_group}, {@code merge_pair}). {@code inputs} null: look in
     * {@code groups}, else in the plan.
     */
    record MergeGroup(
            String batchId,
            int groupIndex,
            @Nullable String database,
            @Nullable List<ChunkResult> inputs,
            @Nullable ObjectRef groups)
            implements Message {
        /** Whether the plan of the batch says what is meant. */
        public boolean followsPlan() {
            return inputs == null && groups == null;
        }
    }

    /**
     * Publish ({@code final_merge}, {@code final_merge_all}, {@code final_merge_single}).
     *
     * @param results null: {@code totalChunks}, else the plan says
     * @param nothing {@code final_merge_single} with a null intermediate: done at once
     */
    record FinalMerge(
            String batchId,
            @Nullable String database,
            @Nullable List<ChunkResult> results,
            @Nullable Integer totalChunks,
            @Nullable ObjectRef pollResults,
            boolean nothing)
            implements Message {}

    /**
     * One delta has arrived (a body without {@code operation}): a batch of one. Its batch id is derived from key and
     * ETag by the job, so {@link #batchId()} is empty here.
     *
     * @param label the {@code batch_id} inside the body, if any
     * @param objectKey the object of an S3 event notification ({@code …/chroma.sqlite3} or an archive); null otherwise
     */
    record DeltaArrived(
            DeltaRef delta,
            @Nullable String database,
            @Nullable String label,
            @Nullable String objectKey) implements Message {
        @Override
        public String batchId() {
            return "";
        }
    }

    /** Several deltas announced by one S3 event notification, each a batch of its own; two or more. */
    record SeveralArrived(List<DeltaArrived> deltas) implements Message {
        public SeveralArrived {
            deltas = List.copyOf(deltas);
        }

        @Override
        public String batchId() {
            return "";
        }

        @Override
        public @Nullable String database() {
            return null;
        }
    }

    /**
     * Nothing to do, and that is all right: S3's own test event, or the notification of a file that a delta's
     * {@code chroma.sqlite3} announces anyway.
     *
     * @param what one line for the log
     */
    record Nothing(String what) implements Message {
        @Override
        public String batchId() {
            return "";
        }

        @Override
        public @Nullable String database() {
            return null;
        }
    }

    /**
     * A delta as a message names it.
     *
     * @param bucket null: the worker's own
     * @param key a prefix with a trailing slash, or the key of an archive
     * @param collection where the records of a delta with one collection go, null: names are kept
     * @param declaredCount informative
     * @param stampMillis when it was written, if the producer says so
     */
    record DeltaRef(
            @Nullable String bucket,
            String key,
            @Nullable String collection,
            @Nullable Long declaredCount,
            @Nullable Long stampMillis) {}

    /** @param bucket null: the worker's own */
    record ObjectRef(@Nullable String bucket, String key) {}

    /** What an earlier stage answered for one chunk or group. */
    sealed interface ChunkResult {
        /** @param key prefix of the intermediate, with a trailing slash */
        record Intermediate(String key) implements ChunkResult {}

        record Empty() implements ChunkResult {}

        /** @param what the item in a few words: its error, chunk or group index */
        record Failed(String what) implements ChunkResult {}
    }
}
