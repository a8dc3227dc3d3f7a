package dev.chromacompactor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Error;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/** The schemas of {@code docs/schemas}, asked by name: {@code plan} is {@code plan.schema.json}. */
public final class Schemas {
    public static final Path FOLDER =
            Path.of("..", "docs", "schemas").toAbsolutePath().normalize();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final SchemaRegistry AS_PUBLISHED = registry(UnaryOperator.identity());
    private static final SchemaRegistry CLOSED = registry(Schemas::close);

    private Schemas() {}

    /** What a reader who has only the schema finds wrong; empty if nothing. */
    public static List<String> problems(String name, JsonNode json) {
        return problems(AS_PUBLISHED, name, json);
    }

    /** The same, and every field that the schema does not name: for what we write ourselves. */
    public static List<String> problemsOfOurs(String name, JsonNode json) {
        return problems(CLOSED, name, json);
    }

    public static List<String> problemsOfOurs(String name, String json) {
        try {
            return problemsOfOurs(name, JSON.readTree(json));
        } catch (IOException e) {
            throw new UncheckedIOException(json, e);
        }
    }

    private static List<String> problems(SchemaRegistry registry, String name, JsonNode json) {
        var location =
                SchemaLocation.of(FOLDER.resolve(name + ".schema.json").toUri().toString());
        return registry.getSchema(location).validate(json).stream()
                .map(Error::toString)
                .toList();
    }

    private static SchemaRegistry registry(UnaryOperator<JsonNode> change) {
        return SchemaRegistry.withDefaultDialect(
                SpecificationVersion.DRAFT_2020_12,
                builder -> builder.schemas(iri -> iri.startsWith(FOLDER.toUri().toString())
                        ? change.apply(read(Path.of(URI.create(iri)))).toString()
                        : null));
    }

    private static JsonNode read(Path file) {
        try {
            return JSON.readTree(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    /** Allows no other property wherever a schema lists those of an object. */
    private static JsonNode close(JsonNode schema) {
        if (schema instanceof ObjectNode object
                && object.path("type").asText().equals("object")
                && object.has("properties")) {
            object.put("additionalProperties", false);
        }
        schema.forEach(Schemas::close);
        return schema;
    }
}
