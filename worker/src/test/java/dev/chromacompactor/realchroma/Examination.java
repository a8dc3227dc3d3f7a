package dev.chromacompactor.realchroma;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What real Chroma found when it used a database.
 *
 * @param collections every collection with its records, before anything was added
 * @param problems whatever was not as it should be, in words: SQLite's checks, {@code get}, filters, records after more adds and a
 *     restart, recall@10 more than 0.01 below that of the index Chroma builds itself
 */
public record Examination(Map<String, ChromaCollection> collections, List<String> problems) {
    private static final double RECALL_TOLERANCE = 0.01;

    static Examination of(JsonNode answer) {
        var problems = new ArrayList<String>();
        answer.get("problems").forEach(each -> problems.add(each.asText()));
        for (var json : answer.get("collections")) {
            var name = json.get("name").asText();
            json.get("problems").forEach(each -> problems.add(name + ": " + each.asText()));
            var own = json.get("own_recall").asDouble();
            for (var kind : List.of("recall", "recall_after")) {
                if (json.has(kind) && json.get(kind).asDouble() < own - RECALL_TOLERANCE) {
                    problems.add(name + ": " + kind + " is " + json.get(kind) + ", Chroma's own index has " + own);
                }
            }
        }
        return new Examination(ChromaCollection.byName(answer.get("collections")), List.copyOf(problems));
    }
}
