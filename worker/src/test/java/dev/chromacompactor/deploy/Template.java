package dev.chromacompactor.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * {@code deploy/compactor.yaml} as plain data: {@code !Ref X} reads {@code "X"}, {@code !GetAtt X.Arn} reads {@code "X.Arn"},
 * {@code !Sub} its text, {@code !If} a list of three.
 */
public final class Template {
    public static final Path FILE = Path.of("..", "deploy", "compactor.yaml");

    private static final JsonNode TEMPLATE = read();

    private Template() {}

    /**
     * A statement of a policy.
     *
     * @param resources as written in the template, such as {@code ${Bucket.Arn}/batches/*}
     */
    record Statement(JsonNode node, String effect, Set<String> actions, List<String> resources) {
        /** By IAM's rules, where {@code *} is any text, slashes too. */
        boolean covers(String resource) {
            return resources.stream().anyMatch(pattern -> matches(pattern, resource));
        }

        private static boolean matches(String pattern, String resource) {
            var parts = List.of(pattern.split("\\*", -1)).stream().map(Pattern::quote);
            return resource.matches(String.join(".*", parts.toList()));
        }
    }

    static JsonNode parameters() {
        return TEMPLATE.path("Parameters");
    }

    static JsonNode resources() {
        return TEMPLATE.path("Resources");
    }

    public static JsonNode outputs() {
        return TEMPLATE.path("Outputs");
    }

    /** The names of all resources of a type. */
    static List<String> named(String type) {
        var names = new ArrayList<String>();
        resources().properties().forEach(each -> {
            if (each.getValue().path("Type").asText().equals(type)) {
                names.add(each.getKey());
            }
        });
        return names;
    }

    static JsonNode properties(String resource) {
        return resources().path(resource).path("Properties");
    }

    static JsonNode container() {
        return properties("TaskDefinition").path("ContainerDefinitions").path(0);
    }

    /** Of a resource's policy; those under a condition of the template too. */
    static List<Statement> statements(String resource) {
        var properties = properties(resource);
        var inline = properties.path("Policies").path(0);
        var document = (inline.isMissingNode() ? properties : inline).path("PolicyDocument");
        var statements = new ArrayList<Statement>();
        for (var each : document.path("Statement")) {
            var node = each.isArray() ? each.path(1) : each;
            statements.add(new Statement(
                    node,
                    node.path("Effect").asText(),
                    new TreeSet<>(texts(node.path("Action"))),
                    texts(node.path("Resource"))));
        }
        return statements;
    }

    private static List<String> texts(JsonNode one) {
        if (one.isTextual()) {
            return List.of(one.asText());
        }
        var texts = new ArrayList<String>();
        one.forEach(each -> texts.add(each.asText()));
        return texts;
    }

    private static JsonNode read() {
        try {
            return new YAMLMapper().readTree(Files.readString(FILE));
        } catch (IOException e) {
            throw new UncheckedIOException(FILE.toString(), e);
        }
    }
}
