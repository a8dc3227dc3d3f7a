package dev.chromacompactor.chroma;

import dev.chromacompactor.chroma.hnsw.HnswIndex;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a fold touches in a base that was proven when it was written. The rest is as it was: it need not be read again to be proven, nor to
 * be counted into the digest, which is a sum over records.
 */
final class Touched implements AutoCloseable {
    private final Path directory;
    private final RecordDigest digest;
    /** By name of the collection, each once, in the order in which they were touched. */
    private final Map<String, Set<String>> ids = new LinkedHashMap<>();

    private final Map<String, @Nullable HnswIndex> indexes = new HashMap<>();
    private final Map<String, Integer> nodes = new HashMap<>();

    /** @param digest of the base's records */
    Touched(Path directory, String digest) {
        this.directory = directory;
        this.digest = RecordDigest.from(digest);
    }

    /** To be called before anything of a record is changed; what it was leaves the digest. */
    void before(CollectionInfo collection, String id, RecordReader.Found stored, RecordReader reader) {
        boolean first = ids.computeIfAbsent(collection.name(), name -> new LinkedHashSet<>())
                .add(id);
        if (first && stored.row() != 0) {
            HnswIndex index = index(collection);
            if (index == null || !index.contains(id)) {
                throw EntryReader.idsDisagree(collection.name(), id, true);
            }
            digest.subtract(collection.name(), id, reader.live(stored.row(), index.vector(id)));
        }
    }

    /** Ids that the base did not have. */
    void added(CollectionInfo collection, Collection<String> added) {
        ids.computeIfAbsent(collection.name(), name -> new LinkedHashSet<>()).addAll(added);
    }

    Set<String> of(CollectionInfo collection) {
        return ids.getOrDefault(collection.name(), Set.of());
    }

    /** The base's index, open as long as this is; null if the base has none. */
    @Nullable
    HnswIndex index(CollectionInfo collection) {
        return indexes.computeIfAbsent(collection.vectorSegment(), segment -> {
            Path folder = directory.resolve(segment);
            return HnswIndex.exists(folder) ? HnswIndex.open(folder, collection.space()) : null;
        });
    }

    /** The collection's first so many nodes are the base's, vectors as they were. */
    void keeps(CollectionInfo collection, int baseNodes) {
        nodes.put(collection.vectorSegment(), baseNodes);
    }

    int kept(CollectionInfo collection) {
        return nodes.getOrDefault(collection.vectorSegment(), 0);
    }

    /** Of all records of the finished snapshot. */
    String digest(ChromaDatabase snapshot) {
        try (var database = FoldDatabase.readOnly(snapshot.directory().resolve(SqliteFile.NAME))) {
            for (CollectionInfo collection : snapshot.collections()) {
                HnswIndex index = snapshot.index(collection);
                if (index != null) {
                    var reader = new RecordReader(database, snapshot.level(), new StampTable(database), row -> {
                        throw new IllegalStateException("vectors are in the index");
                    });
                    of(collection).stream()
                            .filter(index::contains)
                            .forEach(id -> digest.add(
                                    collection.name(), id, reader.live(reader.row(collection, id), index.vector(id))));
                }
            }
        }
        return digest.value();
    }

    @Override
    public void close() {
        indexes.values().forEach(index -> {
            if (index != null) {
                index.close();
            }
        });
        indexes.clear();
    }
}
