package dev.chromacompactor.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What can be told from a body at a glance, for logs and dead letters. Lenient: a body that is no JSON, or of another shape,
 * has nothing to tell. Whether a message is right is for the parser to say.
 *
 * @param inputKeys the S3 keys it names, in order, each once
 */
record BodySummary(
        @Nullable String operation,
        @Nullable String batchId,
        @Nullable String database,
        List<String> inputKeys) {
    private static final JsonMapper JSON = new JsonMapper();
    private static final BodySummary NOTHING = new BodySummary(null, null, null, List.of());

    static BodySummary of(String body) {
        JsonNode root;
        try {
            root = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            return NOTHING;
        }
        if (root == null || !root.isObject()) {
            return NOTHING;
        }
        var keys = new LinkedHashSet<String>();
        collect("", root, keys);
        var database = text(root, "database");
        return new BodySummary(
                text(root, "operation"),
                text(root, "batch_id"),
                database == null ? databaseOf(keys) : database,
                List.copyOf(keys));
    }

    private static void collect(String field, JsonNode node, Set<String> keys) {
        if (node.isTextual() && (field.endsWith("_key") || field.equals("key") || field.equals("chunk_group"))) {
            keys.add(node.textValue());
        } else if (node.isArray()) {
            node.forEach(item -> collect(field, item, keys));
        } else {
            node.properties().forEach(child -> collect(child.getKey(), child.getValue(), keys));
        }
    }

    /** What stands before {@code /delta/}, if all keys agree. */
    private static @Nullable String databaseOf(Set<String> keys) {
        var names = keys.stream()
                .filter(key -> key.contains("/delta/"))
                .map(key -> key.substring(0, key.indexOf("/delta/")))
                .map(prefix -> prefix.substring(prefix.lastIndexOf('/') + 1))
                .distinct()
                .toList();
        return names.size() == 1 ? names.getFirst() : null;
    }

    private static @Nullable String text(JsonNode root, String field) {
        var value = root.get(field);
        return value != null && value.isTextual() ? value.textValue() : null;
    }
}
