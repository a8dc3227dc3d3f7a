package dev.chromacompactor.chroma;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;

/**
 * WAL positions that nothing names any more. Collections share the positions, and a purged row does not say whose it
 * was, so each run of missing positions counts for the collection that owns the next one.
 */
final class Traces {
    private Traces() {}

    /** @param all of the file */
    static Map<CollectionInfo, Long> missing(SqliteFile file, List<Segments> all) {
        // Position × number of collections + owner: sorted, positions ascend.
        int owners = Math.max(1, all.size());
        LongStream.Builder traces = LongStream.builder();
        for (int owner = 0; owner < all.size(); owner++) {
            Segments segments = all.get(owner);
            int mine = owner;
            LongConsumer add = position -> traces.add(position * owners + mine);
            WalLog wal = segments.wal();
            wal.ids().forEach(id -> wal.of(id).forEach(row -> add.accept(row.position())));
            file.query(
                    "read positions",
                    "SELECT seq_id FROM embeddings WHERE segment_id = ?",
                    List.of(segments.collection().metadataSegment()),
                    row -> add.accept(SqliteFile.position(row, 1)));
            // A segment's position ends the run before it, though the row itself may have left nothing else.
            add.accept(segments.metadataPosition());
            add.accept(segments.vectorPosition());
        }
        Map<CollectionInfo, Long> missing = new HashMap<>();
        long previous = 0;
        long[] sorted = traces.build().toArray();
        Arrays.sort(sorted);
        for (long trace : sorted) {
            long position = trace / owners;
            CollectionInfo owner = all.get((int) (trace % owners)).collection();
            missing.merge(owner, Math.max(0, position - previous - 1), Long::sum);
            previous = position;
        }
        return missing;
    }
}
