package dev.chromacompactor.control;

import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Waits, after a pause was written, until no commit can land any more.
 *
 * <p>A publisher looks for a pause after its upload and before its pointer write. So what can still land was uploaded
 * whole when the pause was written, and is numbered one above the live version. When there is no such version, nothing can
 * land. What a worker left behind when it died looks the same and never lands: therefore the end of patience.
 */
public final class Landing {
    private static final Duration LOOK = Duration.ofSeconds(1);

    private final ObjectStore store;
    private final InstantSource clock;
    private final Pace pace;

    @FunctionalInterface
    public interface Pace {
        void pause(Duration length) throws InterruptedException;
    }

    public Landing(ObjectStore store, InstantSource clock, Pace pace) {
        this.store = store;
        this.clock = clock;
        this.pace = pace;
    }

    /**
     * @param patience as long as a worker may need for one pointer write: the drain timeout
     * @return prefixes of versions that are still there as if they could win; empty: nothing can land
     */
    public List<String> await(List<String> databases, Duration patience) throws InterruptedException {
        Instant end = clock.instant().plus(patience);
        List<String> left = candidates(databases);
        while (!left.isEmpty() && clock.instant().isBefore(end)) {
            pace.pause(LOOK);
            var now = candidates(databases);
            // What is new was uploaded after the pause: its publisher finds it before the pointer write.
            left = left.stream().filter(now::contains).toList();
        }
        return left;
    }

    private List<String> candidates(List<String> databases) {
        var candidates = new ArrayList<String>();
        for (String database : databases) {
            var catalog = new SnapshotCatalog(store, database);
            catalog.mayStillWin().forEach(version -> candidates.add(catalog.prefix(version)));
        }
        return candidates;
    }
}
