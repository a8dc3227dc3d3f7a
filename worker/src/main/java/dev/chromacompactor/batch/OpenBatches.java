package dev.chromacompactor.batch;

import dev.chromacompactor.store.ObjectStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The batches of one database that are not closed: an empty object {@code <db>/open/<batch>} each. */
public final class OpenBatches {
    private final ObjectStore store;
    private final String database;

    public OpenBatches(ObjectStore store, String database) {
        this.store = store;
        this.database = database;
    }

    /** @param since by the store's clock */
    public record Marker(String batch, Instant since) {}

    public void open(String batch) {
        var _ = store.settle(BatchKeys.open(database, batch), new byte[0]);
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
