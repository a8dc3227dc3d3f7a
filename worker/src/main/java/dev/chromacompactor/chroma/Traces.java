package dev.chromacompactor.chroma;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * WAL positions that nothing names any more. Collections share the positions, and a purged row does not say whose it
 * was, so each run of missing positions counts for the collection that owns the next one.
 */
final class Traces {
    private Traces() {}

    static Map<CollectionInfo, Long> missing(SqliteFile file, List<CollectionInfo> collections) {
        // Position × number of collections + owner: sorted, positions ascend.
        int owners = Math.max(1, collections.size());
        LongStream.Builder traces = LongStream.builder();
        for (int owner = 0; owner < collections.size(); owner++) {
            CollectionInfo collection = collections.get(owner);
            int mine = owner;
            SqliteFile.Row add = row -> traces.add(SqliteFile.position(row, 1) * owners + mine);
            file.query("read positions", "SELECT seq_id" + WalLog.ROWS, List.of(collection.id()), add);
            file.query(
                    "read positions",
                    "SELECT seq_id FROM embeddings WHERE segment_id = ?",
                    List.of(collection.metadataSegment()),
                    add);
            // A segment's position ends the run before it, though the row itself may have left nothing else.
            file.query(
                    "read positions",
                    "SELECT seq_id FROM max_seq_id WHERE segment_id IN (?, ?)",
                    List.of(collection.metadataSegment(), collection.vectorSegment()),
                    add);
        }
        Map<CollectionInfo, Long> missing = new HashMap<>();
        long previous = 0;
        long[] sorted = traces.build().toArray();
        Arrays.sort(sorted);
        for (long trace : sorted) {
            long position = trace / owners;
            missing.merge(collections.get((int) (trace % owners)), Math.max(0, position - previous - 1), Long::sum);
            previous = position;
        }
        return missing;
    }
}
