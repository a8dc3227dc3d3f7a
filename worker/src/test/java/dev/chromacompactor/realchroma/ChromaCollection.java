package dev.chromacompactor.realchroma;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.chroma.Space;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A collection as real Chroma returns it; records by id. */
public record ChromaCollection(String name, Space space, Map<String, ChromaRecord> records) {
    static Map<String, ChromaCollection> byName(JsonNode collections) {
        var found = new TreeMap<String, ChromaCollection>();
        for (var json : collections) {
            var name = json.get("name").asText();
            var space = Space.valueOf(json.get("space").asText().toUpperCase(Locale.ROOT));
            found.put(name, new ChromaCollection(name, space, records(json.get("records"))));
        }
        return found;
    }

    static Map<String, ChromaRecord> records(JsonNode json) {
        var records = new TreeMap<String, ChromaRecord>();
        for (var each : json) {
            var record = ChromaRecord.of(each);
            records.put(record.id(), record);
        }
        return records;
    }
}
