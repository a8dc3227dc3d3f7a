package dev.chromacompactor.message;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.DeltaRef;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The predecessor's plans, which messages name by an object in S3. They may be tens of megabytes, most of it
 * {@code embedded_items} that nobody needs: only what is asked for is kept in memory, the rest is read past.
 *
 * <pre>
 * chunks.json   [{"chunk_index": 4, "delta_results": [{"delta_key": "words/delta/…/", …}, …], …}, …]   by value
 * groups.json   [[{"intermediate_key": "intermediate/…/"}, …], …]                                      by position
 * pairs.json    [{"pair_index": 0, "intermediates": [{"intermediate_key": …}, …], …}, …]               by position
 * </pre>
 *
 * <p>A file is always read to its end: one that is cut short or names a chunk twice is refused. Failures are
 * {@code INPUT}: {@code plan-not-json}, {@code plan-invalid}, {@code plan-too-complex}, and those of
 * {@link MessageParser} for a field. A file that ends in the middle is {@code DOUBTFUL}, a broken stream
 * {@code DEPENDENCY plan-read-broken}. {@code where} names the file in each of them.
 */
public final class PlanFiles {
    private static final ObjectReader READER =
            Json.MAPPER.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final Set<String> OF_A_PAIR = Set.of("intermediates", "chunk_group");

    private PlanFiles() {}

    /**
     * The deltas of one chunk, found by the value of its {@code chunk_index}.
     *
     * @throws FailureException {@code chunk-not-found} if no entry has it, {@code chunk-ambiguous} if several do
     */
    public static List<DeltaRef> chunk(InputStream in, int chunkIndex, String where) {
        return read(in, where, parser -> {
            Field found = null;
            int position = 0;
            for (; parser.nextToken() != JsonToken.END_ARRAY; position++) {
                var entry = entry(parser, chunkIndex, where + ": [" + position + "]");
                if (entry != null && found != null) {
                    throw FailureException.input(
                            "chunk-ambiguous",
                            entry.path() + " has chunk_index " + chunkIndex + " too, as " + found.path());
                }
                found = entry == null ? found : entry;
            }
            if (found == null) {
                throw FailureException.input(
                        "chunk-not-found",
                        where + ": none of its " + position + " entries has chunk_index " + chunkIndex);
            }
            return Items.deltas(found.need("delta_results"), null, null);
        });
    }

    /**
     * The items of one group or pair, found by position from 0.
     *
     * @throws FailureException {@code group-not-found} if the file holds fewer
     */
    public static List<ChunkResult> group(InputStream in, int position, String where) {
        var kept = new HashSet<>(Items.OF_A_RESULT);
        kept.addAll(OF_A_PAIR);
        return read(in, where, parser -> {
            Field found = null;
            int count = 0;
            for (; parser.nextToken() != JsonToken.END_ARRAY; count++) {
                if (count == position) {
                    found = new Field(value(parser, kept, 4), where + ": [" + count + "]");
                } else {
                    parser.skipChildren();
                }
            }
            if (found == null) {
                throw FailureException.input(
                        "group-not-found", where + ": has " + count + " groups, none at position " + position);
            }
            return Items.results(listOf(found));
        });
    }

    private static Field listOf(Field group) {
        if (group.json().isNull()) {
            throw group.absent();
        }
        if (!group.json().isObject()) {
            return group;
        }
        var list = group.find("intermediates");
        return list == null ? group.need("chunk_group") : list;
    }

    /** Reads past one entry of chunks.json. Returns what is needed of it if it is the chunk that is looked for. */
    private static @Nullable Field entry(JsonParser parser, int wanted, String path) throws IOException {
        if (!parser.hasToken(JsonToken.START_OBJECT)) {
            parser.skipChildren();
            return null;
        }
        var entry = Json.MAPPER.createObjectNode();
        Boolean isWanted = null;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var name = parser.currentName();
            parser.nextToken();
            if (name.equals("chunk_index")) {
                var index = value(parser, Set.of(), 0);
                isWanted = index.isNumber() && index.canConvertToExactIntegral() && index.asLong(-1) == wanted;
            } else if (name.equals("delta_results") && !Boolean.FALSE.equals(isWanted)) {
                entry.set(name, value(parser, Items.OF_A_DELTA, 3));
            } else {
                parser.skipChildren();
            }
        }
        return Boolean.TRUE.equals(isWanted) ? new Field(entry, path) : null;
    }

    /**
     * The value at the parser, without the fields that are not in {@code kept}. What lies deeper than {@code depth} is
     * an empty list or object: enough to say that it is the wrong type.
     */
    private static JsonNode value(JsonParser parser, Set<String> kept, int depth) throws IOException {
        if (parser.hasToken(JsonToken.START_ARRAY)) {
            var list = Json.MAPPER.createArrayNode();
            if (depth == 0) {
                parser.skipChildren();
                return list;
            }
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                list.add(value(parser, kept, depth - 1));
                if (list.size() > Field.MAX_ITEMS) {
                    throw FailureException.input("plan-invalid", "a list has more than " + Field.MAX_ITEMS + " items");
                }
            }
            return list;
        }
        if (parser.hasToken(JsonToken.START_OBJECT)) {
            var object = Json.MAPPER.createObjectNode();
            if (depth == 0) {
                parser.skipChildren();
                return object;
            }
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                var name = parser.currentName();
                parser.nextToken();
                if (kept.contains(name)) {
                    object.set(name, value(parser, kept, depth - 1));
                } else {
                    parser.skipChildren();
                }
            }
            return object;
        }
        return READER.<JsonNode>readTree(parser);
    }

    private interface Reading<T> {
        T from(JsonParser parser) throws IOException;
    }

    /** Reads the array that must be the whole file. Does not close {@code in}. */
    private static <T> T read(InputStream in, String where, Reading<T> reading) {
        try (var parser = Json.MAPPER.createParser(in).disable(JsonParser.Feature.AUTO_CLOSE_SOURCE)) {
            var first = parser.nextToken();
            if (first != JsonToken.START_ARRAY) {
                throw FailureException.input(
                        "plan-invalid",
                        where + ": must be a list, not " + (first == null ? "empty" : first.toString()));
            }
            var result = reading.from(parser);
            if (parser.nextToken() != null) {
                throw FailureException.input("plan-not-json", where + ": something follows after the list");
            }
            return result;
        } catch (StreamConstraintsException e) {
            throw new FailureException(Blame.INPUT, "plan-too-complex", where + ": " + e.getOriginalMessage(), e);
        } catch (JsonProcessingException e) {
            // Cut short: maybe only on its way.
            boolean cut =
                    e instanceof JsonEOFException || e.getOriginalMessage().startsWith("Unexpected end-of-input");
            throw new FailureException(
                    cut ? Blame.DOUBTFUL : Blame.INPUT, "plan-not-json", where + ": " + Json.explain(e), e);
        } catch (CharConversionException e) {
            throw new FailureException(Blame.INPUT, "plan-not-json", where + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new FailureException(Blame.DEPENDENCY, "plan-read-broken", where + ": " + e.getMessage(), e);
        }
    }
}
