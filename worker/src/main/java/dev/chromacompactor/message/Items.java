package dev.chromacompactor.message;

import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.DeltaRef;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The items of the two kinds of lists: deltas, and results of an earlier stage. In bodies and in plans the same. */
final class Items {
    /** What is read of a delta; the rest may be large and is not kept. */
    static final Set<String> OF_A_DELTA =
            Set.of("delta_key", "collection", "embedding_count", "vector_count", "results_count", "stamp");

    /** What is read of a result. */
    static final Set<String> OF_A_RESULT = Set.of(
            "intermediate_key",
            "statusCode",
            "empty",
            "embeddings_processed",
            "message",
            "error",
            "chunk_index",
            "group_index",
            "batch_id");

    /** The end of the year 9999. */
    private static final long LAST_MILLIS = 253_402_300_799_999L;

    private Items() {}

    static List<DeltaRef> deltas(Field list, @Nullable String database, @Nullable String collection) {
        return list.items().stream()
                .map(item -> delta(item.object(), database, collection))
                .toList();
    }

    /** @param collection what the body says for all deltas */
    static DeltaRef delta(Field item, @Nullable String database, @Nullable String collection) {
        var at = Names.delta(item.need("delta_key"), database);
        var own = Names.findCollection(item);
        return new DeltaRef(at.bucket(), at.key(), own == null ? collection : own, count(item), stamp(item));
    }

    static List<ChunkResult> results(Field list) {
        return list.items().stream().map(Items::result).toList();
    }

    /** A string is a key. An object without a key is an empty chunk only if it says so; whatever else it is, it failed. */
    static ChunkResult result(Field item) {
        var json = item.json();
        if (json.isTextual()) {
            return intermediate(item);
        }
        if (json.isNull()) {
            return new ChunkResult.Failed(item.path() + " is null");
        }
        item.object();
        var key = item.find("intermediate_key");
        if (key != null) {
            return intermediate(key);
        }
        return isEmpty(item) ? new ChunkResult.Empty() : new ChunkResult.Failed(describe(item));
    }

    private static ChunkResult intermediate(Field key) {
        var at = Names.locate(key);
        if (at.bucket() != null) {
            throw key.invalid("must be a key of the worker's own bucket");
        }
        return new ChunkResult.Intermediate(at.key().endsWith("/") ? at.key() : at.key() + "/");
    }

    private static boolean isEmpty(Field item) {
        var status = item.find("statusCode");
        var empty = item.find("empty");
        var processed = item.find("embeddings_processed");
        var message = item.findText("message");
        if (empty != null && !empty.json().isBoolean()) {
            throw empty.wrongType("true or false");
        }
        boolean ok = status != null && status.whole() == 200;
        if (empty != null && empty.json().booleanValue()) {
            return ok || status == null;
        }
        boolean nothingProcessed = processed != null && processed.whole() == 0;
        boolean saysEmpty = message != null && message.toLowerCase(Locale.ROOT).contains("empty");
        return ok && (nothingProcessed || saysEmpty);
    }

    private static String describe(Field item) {
        var parts = Stream.of("batch_id", "chunk_index", "group_index", "statusCode", "error", "message")
                .map(item::find)
                .filter(part -> part != null)
                .map(part -> part.path().substring(item.path().length() + 1) + " " + part.shown())
                .toList();
        return item.path() + ": " + (parts.isEmpty() ? "no intermediate_key" : String.join(", ", parts));
    }

    private static @Nullable Long count(Field item) {
        for (var name : List.of("embedding_count", "vector_count", "results_count")) {
            var field = item.find(name);
            if (field != null) {
                return field.whole();
            }
        }
        return null;
    }

    /** When the delta was written: milliseconds since the epoch, or ISO 8601 with an offset. */
    private static @Nullable Long stamp(Field item) {
        var field = item.find("stamp");
        if (field == null) {
            return null;
        }
        long millis;
        try {
            millis = field.json().isTextual()
                    ? OffsetDateTime.parse(field.text()).toInstant().toEpochMilli()
                    : field.whole();
        } catch (DateTimeParseException e) {
            throw field.invalid("must be milliseconds since 1970 or a time like 2026-11-24T06:48:00Z");
        }
        if (millis < 0 || millis > LAST_MILLIS) {
            throw field.invalid("must be milliseconds between 1970 and 9999");
        }
        return millis;
    }
}
