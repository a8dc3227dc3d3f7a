package dev.chromacompactor.message;

import com.fasterxml.jackson.databind.node.TextNode;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.DeltaArrived;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.Nothing;
import dev.chromacompactor.message.Message.SeveralArrived;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Bodies without {@code operation}: something says that a delta has arrived. A producer ({@code delta_key}), a stream
 * record ({@code entity_type}), S3 itself ({@code Records}), or any message through SNS ({@code Type: Notification}).
 */
final class Arrivals {
    private Arrivals() {}

    static Message parse(Field root, Map<String, String> attributes) {
        if (root.json().has("delta_key")) {
            return announced(root, attributes);
        }
        var entity = root.findText("entity_type");
        if (entity == null && "dynamodb_stream".equals(root.findText("source"))) {
            entity = attributes.get("entity_type");
        }
        if (entity != null) {
            return streamed(root, entity, attributes);
        }
        if (root.find("Records") != null) {
            return notified(root.need("Records"));
        }
        if (isText(root, "Event", "s3:TestEvent")) {
            return new Nothing("test event of S3 for bucket " + root.findText("Bucket"));
        }
        if (isText(root, "Type", "Notification") && root.find("TopicArn") != null) {
            return unwrapped(root);
        }
        throw root.missing("operation");
    }

    private static Message announced(Field root, Map<String, String> attributes) {
        var database = Names.findName(root, "database");
        var delta = Items.delta(root, database, attributeCollection(attributes));
        return new DeltaArrived(delta, database, root.findText("batch_id"), null);
    }

    private static Message streamed(Field root, String entity, Map<String, String> attributes) {
        var event = root.findText("event_name");
        if (!entity.equals("COMPACTION_RUN") || "REMOVE".equals(event)) {
            throw FailureException.input(
                    "stream-message",
                    "entity_type " + shown(entity) + (event == null ? "" : " (" + shown(event) + ")")
                            + " announces no delta");
        }
        var data = root.need("entity_data").object();
        var collection = attributeCollection(attributes);
        if (collection == null) {
            collection = Names.findCollection(root);
        }
        var prefix = data.find("delta_s3_prefix");
        if (prefix == null && collection != null) {
            prefix = data.find(collection + "_delta_prefix");
        }
        if (prefix == null) {
            throw data.missing("delta_s3_prefix");
        }
        var database = Names.findName(root, "database");
        var at = Names.delta(prefix, database);
        return new DeltaArrived(
                new DeltaRef(at.bucket(), at.key(), collection, null, null), database, data.findText("run_id"), null);
    }

    /** S3 sends one record per notification, but says that it may be more. */
    private static Message notified(Field records) {
        var arrived = new ArrayList<DeltaArrived>();
        var parts = new ArrayList<String>();
        var strangers = new ArrayList<String>();
        for (var each : records.items()) {
            var event = each.object().need("eventName").text();
            var s3 = each.need("s3").object();
            var bucket = s3.need("bucket").object().need("name").text();
            var key = decoded(s3.need("object").object().need("key"));
            var delta = created(event) ? delta(key) : null;
            if (delta != null) {
                arrived.add(new DeltaArrived(
                        new DeltaRef(bucket, delta, null, null, null), Names.databaseOf(delta), null, key.text()));
            } else if (created(event) && belowDelta(key.text()).contains("/")) {
                parts.add(key.text());
            } else {
                strangers.add(each.path() + ": " + event + " of " + key.shown());
            }
        }
        if (arrived.isEmpty() && (parts.isEmpty() || !strangers.isEmpty())) {
            // A removal, a snapshot, an intermediate: the notification is set up wrong, and somebody should know.
            throw FailureException.input(
                    "notification-not-a-delta",
                    strangers.isEmpty()
                            ? records.path() + " is empty"
                            : "no creation of a chroma.sqlite3 or an archive below /delta/: "
                                    + String.join("; ", strangers.subList(0, Math.min(10, strangers.size()))));
        }
        return switch (arrived.size()) {
            case 0 -> new Nothing("part of a delta, which its chroma.sqlite3 announces: " + parts.getFirst());
            case 1 -> arrived.getFirst();
            default -> new SeveralArrived(arrived);
        };
    }

    private static boolean created(String event) {
        return event.startsWith("ObjectCreated:") || event.startsWith("s3:ObjectCreated:");
    }

    /** The delta that the object completes: the prefix of a {@code chroma.sqlite3}, or the archive itself; null if neither. */
    private static @Nullable String delta(Field key) {
        var text = key.text();
        var name = belowDelta(text);
        if (Names.isArchive(name)) {
            return Names.delta(key, null).key();
        }
        if (!name.endsWith("/chroma.sqlite3")) {
            return null;
        }
        var folder = text.substring(0, text.lastIndexOf('/') + 1);
        return Names.delta(new Field(TextNode.valueOf(folder), key.path()), null)
                .key();
    }

    /** What follows {@code delta/} in a key, {@code <id>/…} if all is well; empty if there is no such folder in it. */
    private static String belowDelta(String key) {
        int at = ("/" + key).indexOf("/delta/");
        return at < 0 ? "" : key.substring(at + "delta/".length());
    }

    /** S3 encodes the keys in its notifications as in a form: {@code %} and {@code +}. */
    private static Field decoded(Field key) {
        try {
            return new Field(TextNode.valueOf(URLDecoder.decode(key.text(), StandardCharsets.UTF_8)), key.path());
        } catch (IllegalArgumentException e) {
            throw key.invalid("must be URL-encoded");
        }
    }

    private static Message unwrapped(Field root) {
        var inner = Field.root(Json.parse(root.need("Message").text()));
        if (isText(inner, "Type", "Notification")) {
            throw root.need("Message").invalid("must not be wrapped by SNS twice");
        }
        var attributes = new HashMap<String, String>();
        var given = root.find("MessageAttributes");
        if (given != null) {
            for (var each : given.object().json().properties()) {
                var value = each.getValue().path("Value");
                if (value.isTextual()) {
                    attributes.put(each.getKey(), value.textValue());
                }
            }
        }
        return MessageParser.parse(root.need("Message").text(), attributes);
    }

    private static @Nullable String attributeCollection(Map<String, String> attributes) {
        var name = attributes.get("collection");
        return name == null
                ? null
                : Names.collection(new Field(TextNode.valueOf(name), "message attribute collection"));
    }

    private static boolean isText(Field root, String name, String value) {
        var field = root.find(name);
        return field != null && field.json().isTextual() && field.text().equals(value);
    }

    private static String shown(String text) {
        return new Field(TextNode.valueOf(text), "").shown();
    }
}
