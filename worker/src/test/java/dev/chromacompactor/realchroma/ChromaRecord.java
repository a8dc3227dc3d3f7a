package dev.chromacompactor.realchroma;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chromacompactor.chroma.Entry.Live;
import dev.chromacompactor.chroma.MetadataValue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;

/** A record as real Chroma returns it, or as it is given one. */
public record ChromaRecord(String id, Live live) {
    static ChromaRecord of(JsonNode json) {
        var document = json.get("document");
        Map<String, MetadataValue> metadata = new TreeMap<>();
        json.get("metadata").properties().forEach(field -> {
            if (!field.getValue().isNull()) {
                metadata.put(field.getKey(), value(field.getValue()));
            }
        });
        return new ChromaRecord(
                json.get("id").asText(),
                new Live(
                        vector(json.get("embedding").asText()),
                        document.isNull() ? null : document.asText(),
                        metadata));
    }

    private static float[] vector(String packed) {
        var floats = ByteBuffer.wrap(Base64.getDecoder().decode(packed))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer();
        var vector = new float[floats.remaining()];
        floats.get(vector);
        return vector;
    }

    private static MetadataValue value(JsonNode json) {
        if (json.isArray()) {
            var values = new ArrayList<MetadataValue>();
            json.forEach(each -> values.add(value(each)));
            return new MetadataValue.Many(values);
        }
        if (json.isBoolean()) {
            return new MetadataValue.Flag(json.booleanValue());
        }
        if (json.isIntegralNumber()) {
            return new MetadataValue.Whole(json.longValue());
        }
        return json.isNumber() ? new MetadataValue.Real(json.doubleValue()) : new MetadataValue.Text(json.textValue());
    }

    /** Into the arguments of a call of the Python client. */
    static void fill(ObjectNode step, ChromaRecord record) {
        var live = record.live();
        step.putArray("ids").add(record.id());
        var bytes = ByteBuffer.allocate(live.vector().length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(live.vector());
        step.put("embeddings", Base64.getEncoder().encodeToString(bytes.array()));
        if (live.document() != null) {
            step.putArray("documents").add(live.document());
        }
        if (!live.metadata().isEmpty()) {
            var metadata = step.putArray("metadatas").addObject();
            live.metadata().forEach((key, value) -> metadata.set(key, json(value)));
        }
    }

    private static JsonNode json(MetadataValue value) {
        var nodes = JsonNodeFactory.instance;
        return switch (value) {
            case MetadataValue.Text(var text) -> nodes.textNode(text);
            case MetadataValue.Whole(var number) -> nodes.numberNode(number);
            case MetadataValue.Real(var number) -> nodes.numberNode(number);
            case MetadataValue.Flag(var flag) -> nodes.booleanNode(flag);
            case MetadataValue.Many(var values) -> {
                var list = nodes.arrayNode();
                values.forEach(each -> list.add(json(each)));
                yield list;
            }
        };
    }
}
