package dev.chromacompactor.chroma;

import dev.chromacompactor.chroma.hnsw.HnswIndex;
import dev.chromacompactor.failure.Elsewhere;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

    /** Those among them whose records are counted already, as they went in. */
    private final Map<String, Set<String>> counted = new HashMap<>();

    /** By folder, empty if it holds none; opened one after the other while the fold is busy with tables. */
    private final Map<String, CompletableFuture<Optional<HnswIndex>>> indexes = new HashMap<>();

    private final ExecutorService opening = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("index").factory());
    private final Map<String, Integer> nodes = new HashMap<>();

    /** @param digest of the base's records */
    Touched(Path directory, String digest) {
        this.directory = directory;
        this.digest = RecordDigest.from(digest);
    }

    /** Begins to open the indexes, all of which will be asked for. */
    void open(Collection<CollectionInfo> collections) {
        for (CollectionInfo each : collections) {
            indexes.put(each.vectorSegment(), opened(each));
        }
    }

    private CompletableFuture<Optional<HnswIndex>> opened(CollectionInfo collection) {
        Path folder = directory.resolve(collection.vectorSegment());
        return CompletableFuture.supplyAsync(
                () -> HnswIndex.exists(folder)
                        ? Optional.of(HnswIndex.open(folder, collection.space()))
                        : Optional.empty(),
                opening);
    }

    /**
     * To be called before anything of a record is changed; what it was leaves the digest.
     *
     * @param row of the record; 0 if it is not there
     */
    void before(CollectionInfo collection, String id, long row, RecordReader reader) {
        boolean first = ids.computeIfAbsent(collection.name(), name -> new LinkedHashSet<>())
                .add(id);
        Set<String> done = counted.get(collection.name());
        if (done != null && done.remove(id)) {
            reader.subtract(digest, collection, id, row);
        } else if (first && row != 0) {
            HnswIndex index = index(collection);
            if (index == null || !index.contains(id)) {
                throw EntryReader.idsDisagree(collection.name(), id, true);
            }
            reader.subtract(digest, collection, id, row, index.bytes(id));
        }
    }

    /**
     * Records that went in as a whole: new ones, and such as took the place of one that {@link #before} was told of.
     *
     * @param sum of these. A cosine index gives a vector back as direction times length, which rounds: such are counted in the end
     */
    void counted(CollectionInfo collection, Collection<String> whole, RecordDigest sum) {
        ids.computeIfAbsent(collection.name(), name -> new LinkedHashSet<>()).addAll(whole);
        if (collection.space() != Space.COSINE) {
            counted.computeIfAbsent(collection.name(), name -> new HashSet<>()).addAll(whole);
            digest.add(sum);
        }
    }

    Set<String> of(CollectionInfo collection) {
        return ids.getOrDefault(collection.name(), Set.of());
    }

    /** The base's index, open as long as this is; null if the base has none. */
    @Nullable
    HnswIndex index(CollectionInfo collection) {
        try {
            return indexes.computeIfAbsent(collection.vectorSegment(), _ -> opened(collection))
                    .join()
                    .orElse(null);
        } catch (CompletionException e) {
            throw Elsewhere.thrown(e);
        }
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
                    Set<String> done = counted.getOrDefault(collection.name(), Set.of());
                    of(collection).stream()
                            .filter(id -> index.contains(id) && !done.contains(id))
                            .forEach(id -> digest.add(
                                    collection.name(), id, reader.live(reader.row(collection, id), index.bytes(id))));
                }
            }
        }
        return digest.value();
    }

    @Override
    public void close() {
        opening.close();
        indexes.values().stream()
                .filter(index -> index.state() == Future.State.SUCCESS)
                .forEach(index -> index.resultNow().ifPresent(HnswIndex::close));
        indexes.clear();
    }
}
