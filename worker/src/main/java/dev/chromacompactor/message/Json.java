package dev.chromacompactor.message;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;

/** JSON as we read and write it: no field twice, bounded depth, ASCII out. */
final class Json {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            // A field that stands there twice has no meaning that two readers would agree on.
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            // Locations are enough in an error; the text itself may be a whole plan.
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(64)
                    .maxNumberLength(100)
                    .maxNameLength(1_000)
                    .maxStringLength(4 << 20)
                    .build())
            .build();

    static final JsonMapper MAPPER = JsonMapper.builder(FACTORY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /** A whole document from memory. */
    static JsonNode parse(String text) {
        try {
            var json = MAPPER.readTree(text);
            if (json.isMissingNode()) {
                throw FailureException.input("message-not-json", "the message is not JSON: it is empty");
            }
            return json;
        } catch (StreamConstraintsException e) {
            throw new FailureException(
                    Blame.INPUT,
                    "message-too-complex",
                    "the message is beyond what we read: " + e.getOriginalMessage(),
                    e);
        } catch (JsonProcessingException e) {
            throw new FailureException(Blame.INPUT, "message-not-json", "the message is not JSON: " + explain(e), e);
        }
    }

    /** What is wrong, and where. */
    static String explain(JsonProcessingException e) {
        var at = e.getLocation();
        return e.getOriginalMessage()
                + (at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr());
    }
}
