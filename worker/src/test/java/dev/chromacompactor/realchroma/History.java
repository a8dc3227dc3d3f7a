package dev.chromacompactor.realchroma;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.chroma.Space;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.StreamSupport;

/**
 * Random deltas over the same few ids, and what one Chroma holds after all of them.
 *
 * @param seed makes the same history again
 * @param space the distance of every delta
 * @param deltas their directories, in the order in which they were written; the collection is called {@code words}
 * @param expected the records of a Chroma to which each delta's deletes were applied and its records upserted, in order
 */
public record History(long seed, Space space, List<Path> deltas, Map<String, ChromaRecord> expected) {
    static History of(JsonNode json) {
        return new History(
                json.get("seed").asLong(),
                Space.valueOf(json.get("space").asText().toUpperCase(Locale.ROOT)),
                StreamSupport.stream(json.get("deltas").spliterator(), false)
                        .map(each -> Path.of(each.asText()))
                        .toList(),
                ChromaCollection.records(json.get("records")));
    }
}
