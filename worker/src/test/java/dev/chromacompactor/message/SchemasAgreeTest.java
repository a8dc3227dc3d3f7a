package dev.chromacompactor.message;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chromacompactor.Schemas;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Bodies.Example;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The schema of messages and the parser say the same about every body: the examples, those in {@code docs/messages.md}, and all of
 * them with fields taken out, set to null, and set to values of other types. Where they differ, {@link #DIFFERENCES} says why.
 */
class SchemasAgreeTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long SEED = 20261124;
    private static final int DOUBLE_CHANGES = 60;

    /** What stands in place of any value. */
    private static final List<JsonNode> VALUES = Stream.of(
                    "null",
                    "true",
                    "0",
                    "1",
                    "7.0",
                    "-1",
                    "2.5",
                    "1048577",
                    "2147483648",
                    "9223372036854775808",
                    "[]",
                    "{}",
                    "[null]",
                    "[0,1]",
                    "[\"a/b/\"]",
                    "[{\"delta_key\":\"words/delta/x\"}]",
                    "{\"intermediate_key\":7}",
                    "{\"statusCode\":\"200\"}",
                    "{\"empty\":\"yes\"}",
                    "\"\"",
                    "\"x\"",
                    "\"..\"",
                    "\"a b\"",
                    "\"words/delta\"",
                    "\"delta/\"",
                    "\"words/delta/a/\"",
                    "\"/a\"",
                    "\"a//b\"",
                    "\"a/../b\"",
                    "\"a\\u0001b\"",
                    "\"s3://bkt/words/delta/a\"",
                    "\"s3://bkt\"",
                    "\"s3://b/k\"",
                    "\"words/delta/a.tar.gz\"",
                    "\"2026-11-24T06:48:00Z\"",
                    "\"2026-11-24\"",
                    "\"REMOVE\"",
                    "\"final_merge_single\"")
            .map(SchemasAgreeTest::tree)
            .toList();

    /** Fields that a body may lack, so that they are put in as well. */
    private static final List<String> FIELDS = List.of(
            "operation",
            "database",
            "collection",
            "chunk_indices",
            "chunk_results",
            "total_chunks",
            "single_intermediate",
            "pair_data",
            "delta_key",
            "entity_type",
            "stamp",
            "vector_count",
            "empty",
            "statusCode",
            "intermediate_key",
            "message",
            "embeddings_processed");

    /** A case in which parser and schema may say different things. */
    private interface Difference {
        /** @param reason of the parser to refuse it; null: it takes it */
        boolean explains(JsonNode body, @Nullable String reason);
    }

    /** What a schema cannot say, or should not; each is a row of the table in {@code docs/messages.md}. */
    private static final Map<String, Difference> DIFFERENCES = Map.of(
            "a key that is the database",
            (body, reason) -> "invalid-value".equals(reason) && deltas(body).anyMatch(delta -> isDatabase(body, delta)),
            "one chunk twice",
            (body, reason) -> reason == null
                    && body.path("chunk_indices").size() > 1
                    && body.path("chunk_indices").valueStream().distinct().count() == 1,
            "a second count",
            (body, reason) -> reason == null && deltas(body).anyMatch(delta -> counts(delta) > 1),
            "beside pair_data",
            (body, reason) -> reason == null
                    && body.path("pair_data").properties().stream()
                            .anyMatch(field -> !field.getValue().isNull() && body.has(field.getKey())),
            "a prefix by collection",
            (body, reason) ->
                    body.hasNonNull("entity_type") && !body.path("entity_data").hasNonNull("delta_s3_prefix"),
            "no creation of a delta",
            (body, reason) -> body.has("Records")
                    && Set.of("notification-not-a-delta", "invalid-value").contains(String.valueOf(reason)),
            "inside SNS",
            (body, reason) -> body.path("Type").asText().equals("Notification") && reason != null);

    private static Stream<JsonNode> deltas(JsonNode body) {
        return Stream.concat(Stream.of(body), body.path("delta_results").valueStream());
    }

    private static boolean isDatabase(JsonNode body, JsonNode delta) {
        return delta.path("delta_key")
                .asText()
                .replaceFirst("^s3://[^/]+/", "")
                .replaceFirst("/$", "")
                .equals(body.path("database").asText());
    }

    private static long counts(JsonNode delta) {
        return Stream.of("embedding_count", "vector_count", "results_count")
                .filter(delta::hasNonNull)
                .count();
    }

    static List<String> names() throws IOException {
        try (var files = Files.list(Path.of("src", "test", "resources", "messages"))) {
            return files.map(file -> file.getFileName().toString().replace(".json", ""))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void an_example_is_valid_if_the_parser_takes_it(String name) throws IOException {
        var example = example(name);
        var body = tree(example.body());
        assertThat(Schemas.problems("message", body).isEmpty())
                .as("%s, schema says %s", name, Schemas.problems("message", body))
                .isEqualTo(reason(example.body(), example.attributes()) == null);
        for (var file : example.files().properties()) {
            var schema = file.getKey().endsWith("chunks.json") ? "chunks" : "groups";
            assertThat(Schemas.problems(schema, file.getValue()))
                    .as(file.getKey())
                    .isEmpty();
        }
    }

    private static Example example(String name) throws IOException {
        return Bodies.example(name);
    }

    @Test
    void every_changed_body_is_valid_if_and_only_if_the_parser_takes_it() throws IOException {
        var bodies = bodies();
        var met = new TreeSet<String>();
        var differences = new ArrayList<String>();
        int refused = 0;
        int taken = 0;
        for (var body : bodies) {
            var _ = compare(body, met, differences);
            for (var changed : changes(body)) {
                var reason = compare(changed, met, differences);
                refused += reason == null ? 0 : 1;
                taken += reason == null ? 1 : 0;
            }
        }
        var random = new Random(SEED);
        for (int i = 0; i < DOUBLE_CHANGES; i++) {
            var once = changes(bodies.get(random.nextInt(bodies.size())));
            var twice = changes(once.get(random.nextInt(once.size())));
            for (int j = 0; j < DOUBLE_CHANGES; j++) {
                var _ = compare(twice.get(random.nextInt(twice.size())), met, differences);
            }
        }
        assertThat(differences.stream().limit(20)).isEmpty();
        assertThat(met).as("differences that occur").isEqualTo(DIFFERENCES.keySet());
        assertThat(Math.min(refused, taken)).isGreaterThan(3_000);
    }

    /** @return the parser's reason to refuse it, null if it takes it */
    private static @Nullable String compare(JsonNode body, Set<String> met, List<String> differences) {
        var reason = reason(body.toString(), Map.of());
        var problems = Schemas.problems("message", body);
        if (problems.isEmpty() != (reason == null)) {
            var excused = DIFFERENCES.entrySet().stream()
                    .filter(each -> each.getValue().explains(body, reason))
                    .map(Map.Entry::getKey)
                    .findFirst();
            excused.ifPresentOrElse(
                    met::add, () -> differences.add(body + "\n  parser: " + reason + "\n  schema: " + problems));
        }
        return reason;
    }

    private static @Nullable String reason(String body, Map<String, String> attributes) {
        try {
            var _ = MessageParser.parse(body, attributes);
            return null;
        } catch (FailureException e) {
            return e.failure().reason();
        }
    }

    private static List<JsonNode> bodies() throws IOException {
        var bodies = new ArrayList<JsonNode>();
        for (var name : names()) {
            bodies.add(tree(example(name).body()));
        }
        MessagesPage.examples().stream()
                .filter(example -> example.schema().equals("message"))
                .forEach(example -> bodies.add(example.json()));
        MessagesPage.differences().forEach(row -> bodies.add(tree(row.body())));
        return bodies;
    }

    /** The body with one change, at every place in it. */
    private static List<JsonNode> changes(JsonNode body) {
        var all = new ArrayList<JsonNode>();
        change(body, body, all);
        return all;
    }

    private static void change(JsonNode root, JsonNode at, List<JsonNode> all) {
        if (at instanceof ObjectNode object) {
            var names = new ArrayList<String>();
            object.fieldNames().forEachRemaining(names::add);
            for (var name : names) {
                var was = object.get(name);
                object.remove(name);
                all.add(root.deepCopy());
                for (var value : VALUES) {
                    object.set(name, value);
                    all.add(root.deepCopy());
                }
                object.set(name, was);
                change(root, was, all);
            }
            for (var name : FIELDS) {
                if (!object.has(name)) {
                    for (var value : VALUES) {
                        object.set(name, value);
                        all.add(root.deepCopy());
                    }
                    object.remove(name);
                }
            }
        } else if (at instanceof ArrayNode list) {
            for (int i = 0; i < list.size(); i++) {
                var was = list.get(i);
                for (var value : VALUES) {
                    list.set(i, value);
                    all.add(root.deepCopy());
                }
                list.set(i, was);
                change(root, was, all);
            }
        }
    }

    private static JsonNode tree(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(json, e);
        }
    }
}
