package dev.chromacompactor.message;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Bodies for the tests: written with single quotes, or read from the example files. */
final class Bodies {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Bodies() {}

    static String json(String withSingleQuotes) {
        return withSingleQuotes.replace('\'', '"');
    }

    static Message parse(String withSingleQuotes) {
        return MessageParser.parse(json(withSingleQuotes), Map.of());
    }

    static InputStream stream(String withSingleQuotes) {
        return new ByteArrayInputStream(json(withSingleQuotes).getBytes(StandardCharsets.UTF_8));
    }

    /** The results that a merge names itself. */
    static List<Message.ChunkResult> results(Message merge) {
        return Objects.requireNonNull(
                switch (merge) {
                    case Message.FinalMerge last -> last.results();
                    case Message.MergeGroup group -> group.inputs();
                    default -> null;
                });
    }

    /** The failure of a refusal that must be a permanent fault of the input. */
    static Failure refusal(ThrowingCallable call) {
        var failure = failure(call);
        Assertions.assertThat(failure.blame()).isEqualTo(Blame.INPUT);
        return failure;
    }

    static Failure failure(ThrowingCallable call) {
        var thrown = Assertions.catchThrowableOfType(FailureException.class, call);
        Assertions.assertThat(thrown).as("a failure").isNotNull();
        return thrown.failure();
    }

    /** @param files what lies in S3, by key */
    record Example(String body, Map<String, String> attributes, JsonNode files) {
        Message parse() {
            return MessageParser.parse(body, attributes);
        }

        InputStream file(String key) throws IOException {
            return new ByteArrayInputStream(MAPPER.writeValueAsBytes(files.get(key)));
        }
    }

    static Example example(String name) throws IOException {
        try (var in = Bodies.class.getResourceAsStream("/messages/" + name + ".json")) {
            var json = MAPPER.readTree(in);
            var attributes = new LinkedHashMap<String, String>();
            json.path("attributes")
                    .properties()
                    .forEach(each ->
                            attributes.put(each.getKey(), each.getValue().asText()));
            return new Example(MAPPER.writeValueAsString(json.get("body")), attributes, json.path("s3"));
        }
    }
}
