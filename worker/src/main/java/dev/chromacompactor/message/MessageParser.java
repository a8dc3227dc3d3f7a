package dev.chromacompactor.message;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.FinalMerge;
import dev.chromacompactor.message.Message.MergeGroup;
import dev.chromacompactor.message.Message.ProcessChunk;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a message body. Strict where it matters and deaf to the rest: unknown fields are ignored, null is absent, but a
 * wrong type or value is refused.
 *
 * <p>Every refusal is permanent ({@code INPUT}) and names the field with its path:
 *
 * <ul>
 *   <li>{@code message-not-json}, {@code message-too-complex} (nested too deep, too long a number), {@code message-invalid}
 *       (not an object)
 *   <li>{@code unknown-operation}, {@code missing-field}, {@code wrong-type}, {@code invalid-value}
 *   <li>{@code nothing-to-merge}: a final merge with an empty list
 *   <li>{@code stream-message}: a stream record that names no delta; {@code notification-not-a-delta}: an S3 event of
 *       something else
 * </ul>
 */
public final class MessageParser {
    /** More chunks than this are a mistake: each costs a look into the bucket. */
    private static final int MAX_CHUNKS = 1 << 20;

    private MessageParser() {}

    /** @param attributes the message's string attributes by name */
    public static Message parse(String body, Map<String, String> attributes) {
        var root = Field.root(Json.parse(body));
        if (!root.json().isObject()) {
            throw FailureException.input("message-invalid", "the message must be a JSON object, not " + root.shown());
        }
        var operation = root.findText("operation");
        if (operation == null) {
            return Arrivals.parse(root, attributes);
        }
        return switch (operation) {
            case "process_chunk" -> processChunk(root);
            case "merge_chunk_group" -> mergeGroup(root, "group_index", "chunk_group", "groups");
            case "merge_pair" -> mergePair(root);
            case "final_merge", "final_merge_all" -> finalMerge(root, results(root, "chunk_results"), false);
            case "final_merge_single" -> finalMergeSingle(root);
            default ->
                throw FailureException.input(
                        "unknown-operation",
                        "operation must be process_chunk, merge_chunk_group, merge_pair, final_merge, final_merge_all or"
                                + " final_merge_single, not "
                                + root.need("operation").shown());
        };
    }

    private static Message processChunk(Field root) {
        var batch = Names.name(root.need("batch_id"));
        var database = Names.findName(root, "database");
        var chunks = Names.findObject(root, "chunks");
        var indices = chunkIndices(root);
        boolean batched = indices != null;
        if (indices == null) {
            indices = List.of(root.need("chunk_index").index());
        }
        var list = root.find("delta_results");
        var deltas = list == null ? null : Items.deltas(list, database, Names.findCollection(root));
        if (deltas != null && deltas.isEmpty() && chunks != null) {
            // The predecessor looks into the file too when the list is empty; an empty receipt could lose records.
            deltas = null;
        }
        if (list != null && !list.json().isEmpty() && indices.size() > 1) {
            throw list.invalid("cannot be the deltas of " + indices.size() + " chunks");
        }
        return new ProcessChunk(batch, indices, batched, database, deltas, chunks);
    }

    /** Null if there are none; the empty list counts as none beside a {@code chunk_index}. */
    private static @Nullable List<Integer> chunkIndices(Field root) {
        var list = root.find("chunk_indices");
        if (list == null) {
            return null;
        }
        var indices = list.items().stream().map(Field::index).distinct().toList();
        if (indices.isEmpty() && root.find("chunk_index") == null) {
            throw list.invalid("must name a chunk");
        }
        return indices.isEmpty() ? null : indices;
    }

    /** Flat, or everything but the operation in {@code pair_data}. */
    private static Message mergePair(Field root) {
        var pair = root.find("pair_data");
        if (pair == null) {
            return mergeGroup(root, "pair_index", "intermediates", "pairs");
        }
        var merged = root.json().<ObjectNode>deepCopy();
        pair.object().json().properties().forEach(field -> {
            if (!field.getValue().isNull()) {
                merged.set(field.getKey(), field.getValue());
            }
        });
        return mergeGroup(new Field(merged, ""), "pair_index", "intermediates", "pairs");
    }

    private static Message mergeGroup(Field root, String index, String list, String file) {
        var batch = Names.name(root.need("batch_id"));
        var database = Names.findName(root, "database");
        var groups = Names.findObject(root, file);
        var position = root.findIndex(index);
        var inputs = results(root, list);
        if (inputs != null && inputs.isEmpty() && groups != null) {
            inputs = null;
        }
        return new MergeGroup(batch, position == null ? 0 : position, database, inputs, groups);
    }

    private static Message finalMergeSingle(Field root) {
        var single = root.find("single_intermediate");
        if (single != null) {
            return finalMerge(root, List.of(Items.result(single)), false);
        }
        var results = results(root, "chunk_results");
        return finalMerge(root, results, results == null);
    }

    private static Message finalMerge(Field root, @Nullable List<ChunkResult> results, boolean nothing) {
        var batch = Names.name(root.need("batch_id"));
        var database = Names.findName(root, "database");
        var total = root.find("total_chunks");
        if (total != null && (total.index() < 0 || total.index() > MAX_CHUNKS)) {
            throw total.invalid("must be at most " + MAX_CHUNKS);
        }
        if (results != null && results.isEmpty()) {
            throw FailureException.input("nothing-to-merge", "chunk_results of batch " + batch + " is empty");
        }
        if (results == null && total != null && total.index() == 0) {
            throw FailureException.input("nothing-to-merge", "total_chunks of batch " + batch + " is 0");
        }
        return new FinalMerge(
                batch,
                database,
                results,
                total == null ? null : total.index(),
                Names.findObject(root, "poll_results"),
                nothing);
    }

    private static @Nullable List<ChunkResult> results(Field root, String name) {
        var list = root.find(name);
        return list == null ? null : Items.results(list);
    }
}
