package dev.chromacompactor.chroma;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A finished fold.
 *
 * @param level of the database that was written
 * @param collections by name
 * @param ledger of everything applied
 * @param digest {@link RecordDigest} of its live records
 * @param lists whether any metadata value is a list
 * @param records live records of all collections
 */
public record Summary(
        SchemaLevel level,
        List<CollectionSummary> collections,
        Ledger ledger,
        String digest,
        boolean lists,
        long records) {
    Summary of(String newDigest) {
        return new Summary(level, collections, ledger, newDigest, lists, records);
    }

    /** @param tombstones deletes that are still remembered, of records that are there and that are not */
    public record CollectionSummary(
            String name, String id, @Nullable Integer dimension, Space space, long records, long tombstones) {}
}
