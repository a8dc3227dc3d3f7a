package dev.chromacompactor.chroma;

import java.util.HashMap;
import java.util.Map;

/**
 * What a workspace has of the records in a collection of the database that is attached to it as {@value FoldDatabase#ATTACHED}: which of
 * them may take a row here without a look at their values.
 */
final class Known {
    /** As a row: the record is new here. */
    static final long NEW = -1;

    /** As a row: it has to be joined with what is here. */
    static final long JOINED = 0;

    private record Place(long row, Stamp stamp) {}

    private final Map<Long, Place> places = new HashMap<>();

    /** @param source the metadata segment there of the collection that goes into {@code collection} */
    Known(Workspace target, String source, CollectionInfo collection) {
        var stamps = target.stamps();
        target.database()
                .each(
                        sql(target.level()),
                        row -> places.put(row.getLong(1), new Place(row.getLong(2), stamps.stamp(row.getLong(3)))),
                        collection.name(),
                        collection.metadataSegment(),
                        source,
                        collection.name());
    }

    /**
     * Rows of {@code embeddings} there and here of ids that something is remembered of here, with the number of their stamp;
     * {@link #JOINED} as the row here if that is more than one stamp for all keys, or a key that is not there, or a list.
     */
    private static String sql(SchemaLevel level) {
        String more =
                "EXISTS (SELECT 1 FROM main.compactor_register r WHERE r.collection = ? AND r.id = e.embedding_id)";
        String lists = "EXISTS (SELECT 1 FROM main.embedding_metadata_array a WHERE a.id = t.id)";
        return """
                SELECT e.id, iif(%s OR EXISTS (
                    SELECT 1 FROM main.embedding_metadata k WHERE k.id = t.id AND NOT EXISTS (
                        SELECT 1 FROM source.embedding_metadata m WHERE m.id = e.id AND m.key = k.key
                        AND coalesce(m.string_value, m.int_value, m.float_value, m.bool_value) IS NOT NULL))
                    OR %s, 0, t.id), s.ref
                FROM source.embeddings e
                LEFT JOIN main.embeddings t ON t.segment_id = ? AND t.embedding_id = e.embedding_id
                LEFT JOIN main.compactor_record s ON s.embedding = t.id
                WHERE e.segment_id = ? AND (t.id IS NOT NULL OR %s)""".formatted(more, level.listsAllowed() ? lists : "false", more);
    }

    /**
     * The row here that a record takes as a whole: that of a stored one if it is older and has no key that this one does not have.
     *
     * @param number of its row there
     * @param stamp when it was written
     */
    long row(long number, Stamp stamp) {
        Place place = places.get(number);
        if (place == null) {
            return NEW;
        }
        return place.stamp().compareTo(stamp) < 0 ? place.row() : JOINED;
    }
}
