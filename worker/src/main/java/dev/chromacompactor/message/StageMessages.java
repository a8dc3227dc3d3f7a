package dev.chromacompactor.message;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chromacompactor.message.Message.DeltaRef;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bodies that we send ourselves, in the predecessor's form. ASCII only, so that characters and bytes count the
 * same against the queue's limit. Without a list of inputs the plan of the batch says what is meant. The {@link Trace} that
 * they are made in goes along.
 */
public final class StageMessages {
    private StageMessages() {}

    public static String processChunk(String batchId, int chunkIndex, String database) {
        return processChunk(batchId, chunkIndex, database, null);
    }

    /** @param deltas null: the plan's */
    public static String processChunk(
            String batchId, int chunkIndex, String database, @Nullable List<DeltaRef> deltas) {
        var body = body("process_chunk", batchId).put("chunk_index", chunkIndex).put("database", database);
        if (deltas != null) {
            var list = body.putArray("delta_results");
            for (var delta : deltas) {
                var item = list.addObject()
                        .put(
                                "delta_key",
                                delta.bucket() == null ? delta.key() : "s3://" + delta.bucket() + "/" + delta.key());
                putIfPresent(item, delta);
            }
        }
        return written(body);
    }

    public static String mergeGroup(String batchId, int groupIndex, String database) {
        return written(body("merge_chunk_group", batchId)
                .put("group_index", groupIndex)
                .put("database", database));
    }

    /** "Go and look": publishes what the plan and the receipts say. */
    public static String finalMerge(String batchId, String database) {
        return written(body("final_merge", batchId).put("database", database));
    }

    private static void putIfPresent(ObjectNode item, DeltaRef delta) {
        if (delta.collection() != null) {
            item.put("collection", delta.collection());
        }
        if (delta.declaredCount() != null) {
            item.put("embedding_count", delta.declaredCount());
        }
        if (delta.stampMillis() != null) {
            item.put("stamp", delta.stampMillis());
        }
    }

    private static ObjectNode body(String operation, String batchId) {
        var body = Json.MAPPER.createObjectNode().put("operation", operation).put("batch_id", batchId);
        Trace.current().ifPresent(trace -> body.put(Trace.PARENT, trace.traceparent()));
        return body;
    }

    private static String written(ObjectNode body) {
        try {
            return Json.MAPPER.writeValueAsString(body);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always writable", e);
        }
    }
}
