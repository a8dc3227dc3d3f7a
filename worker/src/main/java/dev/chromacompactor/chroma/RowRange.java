package dev.chromacompactor.chroma;

import java.util.List;

/**
 * Where a collection's rows of {@code embeddings} lie. A walk over them in the order of the table is by far the quickest, and is to be spared those
 * of other collections, as far as they do not lie between: else each of hundreds of collections would walk over all of them.
 *
 * @param records how many
 * @param first number of the first row, 0 if there is none
 */
record RowRange(long records, long first, long last) {
    static RowRange of(SqliteFile file, CollectionInfo collection) {
        long[] found = new long[3];
        file.query(
                "count records",
                "SELECT count(*), min(id), max(id) FROM embeddings WHERE segment_id = ?",
                List.of(collection.metadataSegment()),
                row -> {
                    for (int i = 0; i < found.length; i++) {
                        found[i] = row.getLong(i + 1);
                    }
                });
        return new RowRange(found[0], found[1], found[2]);
    }
}
