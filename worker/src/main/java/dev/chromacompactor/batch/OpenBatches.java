package dev.chromacompactor.batch;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.PutOutcome;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The batches of one database that are not closed: an empty object {@code <db>/open/<batch>} each. */
public final class OpenBatches {
    private static final int TRIES = 4;

    private final ObjectStore store;
    private final String database;

    public OpenBatches(ObjectStore store, String database) {
        this.store = store;
        this.database = database;
    }

    /** @param since by the store's clock */
    public record Marker(String batch, Instant since) {}

    public void open(String batch) {
        String key = BatchKeys.open(database, batch);
        for (int left = TRIES; left > 0; left--) {
            switch (store.putIfAbsent(key, new byte[0])) {
                case PutOutcome.Won _, PutOutcome.Lost _ -> {
                    return;
                }
                case PutOutcome.Unknown _ -> {
                    if (store.head(key).isPresent()) {
                        return;
                    }
                }
            }
        }
        throw new FailureException(
                Blame.DEPENDENCY, "s3-write-unconfirmed", "write " + key + ": no answer says whether it is there");
    }

    /** When the batch was opened, by the store's clock; if nobody says so, now. */
    public Instant since(String batch) {
        return store.head(BatchKeys.open(database, batch))
                .map(ObjectStore.ObjectInfo::lastModified)
                .orElseGet(store::now);
    }

    public List<Marker> list() {
        String folder = BatchKeys.openFolder(database);
        var markers = new ArrayList<Marker>();
        store.list(folder, info -> markers.add(new Marker(info.key().substring(folder.length()), info.lastModified())));
        return List.copyOf(markers);
    }

    /** For batches that {@link Take#closed()} names. */
    public void close(List<String> batches) {
        store.delete(
                batches.stream().map(batch -> BatchKeys.open(database, batch)).toList());
    }
}
