package dev.chromacompactor.job;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.Message.ProcessChunk;
import dev.chromacompactor.message.Names;
import dev.chromacompactor.message.PlanFiles;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a {@code process_chunk} asks for, with everything looked up that it only refers to: the deltas are in the message, in a file that
 * it names, or in the plan of its batch.
 */
record ChunkTask(
        ProcessChunk message, String database, @Nullable Plan plan, List<Chunk> chunks) {

    /** One chunk of the message: its index and its deltas. */
    record Chunk(int index, List<DeltaRef> deltas) {
        Set<String> keys() {
            var keys = new HashSet<String>();
            deltas.forEach(delta -> keys.add(delta.key()));
            return keys;
        }
    }

    /**
     * @throws FailureException INPUT {@code plan-missing}, {@code missing-field}, {@code chunk-not-found} if it cannot be looked up;
     *     INPUT {@code batch-id-reused} if the batch is one of another database
     */
    static ChunkTask of(ProcessChunk message, Tools tools) {
        Plan plan = new Plans(tools.store()).read(message.batchId()).orElse(null);
        List<Chunk> chunks = new ArrayList<>();
        for (int index : message.chunkIndices()) {
            chunks.add(new Chunk(index, deltas(message, index, plan, tools)));
        }
        String database = database(message, plan, chunks);
        if (plan != null && !plan.database().equals(database)) {
            throw FailureException.input(
                    "batch-id-reused",
                    "batch_id " + message.batchId() + ": its plan is for database " + plan.database()
                            + ", this message for " + database);
        }
        return new ChunkTask(message, database, plan, chunks);
    }

    /** Of which only the message itself is known. */
    static ChunkTask unknown(ProcessChunk message, String database) {
        List<Chunk> chunks = message.chunkIndices().stream()
                .map(index -> new Chunk(index, List.of()))
                .toList();
        return new ChunkTask(message, database, null, chunks);
    }

    String batch() {
        return message.batchId();
    }

    String name() {
        return "chunk " + message.chunkIndices() + " of " + batch();
    }

    /** Prefix of the intermediate. */
    String prefix() {
        return message.batched()
                ? BatchKeys.chunksTogether(batch(), message.chunkIndices().getFirst())
                : BatchKeys.chunk(batch(), message.chunkIndices().getFirst());
    }

    private static List<DeltaRef> deltas(ProcessChunk message, int index, @Nullable Plan plan, Tools tools) {
        if (message.deltas() != null) {
            return message.deltas();
        }
        ObjectRef file = message.chunks();
        if (file != null) {
            return new PlanFile("chunks_s3_key", file).read(tools, (in, where) -> PlanFiles.chunk(in, index, where));
        }
        if (plan == null) {
            throw FailureException.input(
                    "missing-field",
                    "delta_results is missing, and so are chunks_s3_key and a plan of batch " + message.batchId()
                            + "; plans of batches closed for 30 days are taken away");
        }
        if (plan.parts().stream().noneMatch(part -> part instanceof Plan.Part.Deltas(int i, var _) && i == index)) {
            throw FailureException.input(
                    "chunk-not-found", "chunk_index " + index + " is not in the plan of batch " + message.batchId());
        }
        return plan.deltas(index).stream()
                .map(delta -> new DeltaRef(delta.bucket(), delta.key(), delta.collection(), null, delta.stamp()))
                .toList();
    }

    private static String database(ProcessChunk message, @Nullable Plan plan, List<Chunk> chunks) {
        if (message.database() != null) {
            return message.database();
        }
        if (plan != null) {
            return plan.database();
        }
        return Names.databaseOf(
                chunks.stream().flatMap(chunk -> chunk.deltas().stream()).toList());
    }
}
