package dev.chromacompactor.snapshot;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;

/**
 * How our own objects in the bucket are spelt: one JSON object, names in snake_case, enums in lower case, times in
 * milliseconds since the epoch. Null is not written; an unknown field is ignored, a missing one is null.
 */
public final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            // A question that a record answers, such as isFinal, is no field.
            .disable(MapperFeature.AUTO_DETECT_IS_GETTERS)
            .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .defaultPropertyInclusion(
                    JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.USE_DEFAULTS))
            .build();

    private Json() {}

    public static byte[] write(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("write " + value.getClass().getSimpleName() + " as JSON", e);
        }
    }

    /** Such an object is written whole and by us only, so one that cannot be read is {@code INVARIANT object-unreadable}. */
    public static <T> T read(byte[] body, Class<T> type, String key) {
        try {
            return MAPPER.readValue(body, type);
        } catch (IOException e) {
            throw unreadable(key, e);
        }
    }

    static JsonNode tree(byte[] body, String key) {
        try {
            return MAPPER.readTree(body);
        } catch (IOException e) {
            throw unreadable(key, e);
        }
    }

    private static FailureException unreadable(String key, IOException cause) {
        String why = cause instanceof JsonProcessingException json ? json.getOriginalMessage() : cause.getMessage();
        return new FailureException(Blame.INVARIANT, "object-unreadable", "read " + key + ": " + why, cause);
    }
}
