package dev.chromacompactor.chroma;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The {@code metadata} column of a WAL row: a JSON object, the document among it under {@link #DOCUMENT}. Read leniently:
 * 0.5 and 0.6 write bare {@code Infinity} and {@code NaN}.
 */
final class WalMetadata {
    static final String DOCUMENT = "chroma:document";

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private WalMetadata() {}

    /**
     * The values by key in the order of the JSON; null removes the key.
     *
     * @param where names the row in the message of a failure
     */
    static Map<String, @Nullable MetadataValue> parse(@Nullable String json, String where) {
        Map<String, @Nullable MetadataValue> values = new LinkedHashMap<>();
        if (json == null) {
            return values;
        }
        try (JsonParser parser = JSON.createParser(json)) {
            expect(parser.nextToken() == JsonToken.START_OBJECT, where, "it is no object");
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String key = parser.currentName();
                parser.nextToken();
                values.put(key, value(parser, key, where));
            }
            expect(parser.nextToken() == null, where, "something follows the object");
            return values;
        } catch (JsonProcessingException e) {
            throw FailureException.input(
                    "wal-json-invalid", "read metadata of " + where + ": " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new UncheckedIOException("read a string", e);
        }
    }

    private static @Nullable MetadataValue value(JsonParser parser, String key, String where) throws IOException {
        return switch (parser.currentToken()) {
            case VALUE_STRING -> new MetadataValue.Text(parser.getText());
            case VALUE_TRUE -> new MetadataValue.Flag(true);
            case VALUE_FALSE -> new MetadataValue.Flag(false);
            case VALUE_NULL -> null;
            case VALUE_NUMBER_INT ->
                switch (parser.getNumberType()) {
                    case INT, LONG -> new MetadataValue.Whole(parser.getLongValue());
                    default -> real(parser.getDoubleValue());
                };
            case VALUE_NUMBER_FLOAT -> real(parser.getDoubleValue());
            case START_ARRAY -> list(parser, key, where);
            default ->
                throw FailureException.input(
                        "metadata-type-unknown", "read metadata of " + where + ": field " + key + " is an object");
        };
    }

    private static @Nullable MetadataValue list(JsonParser parser, String key, String where) throws IOException {
        List<MetadataValue> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            MetadataValue value = value(parser, key, where);
            if (value instanceof MetadataValue.Many
                    || (value != null
                            && !values.isEmpty()
                            && value.getClass() != values.getFirst().getClass())) {
                throw FailureException.input(
                        "metadata-type-unknown", "read metadata of " + where + ": list " + key + " mixes types");
            }
            if (value != null) {
                values.add(value);
            }
        }
        return values.isEmpty() ? null : new MetadataValue.Many(values);
    }

    /** What is left of a double after SQLite had it: NaN becomes null, −0.0 becomes 0.0. */
    private static @Nullable MetadataValue real(double value) {
        return Double.isNaN(value) ? null : new MetadataValue.Real(value == 0 ? 0.0 : value);
    }

    private static void expect(boolean condition, String where, String otherwise) {
        if (!condition) {
            throw FailureException.input("wal-json-invalid", "read metadata of " + where + ": " + otherwise);
        }
    }
}
