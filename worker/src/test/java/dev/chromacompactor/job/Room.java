package dev.chromacompactor.job;

import dev.chromacompactor.compaction.Budget;
import dev.chromacompactor.compaction.Footprint;
import java.nio.file.Path;
import java.time.Duration;

/** Budgets for tests, on a disk that has what the budget says. */
final class Room {
    private static final Footprint ALL = new Footprint(1L << 50, 1L << 50, 1L << 50);

    private Room() {}

    /** Nothing waits. */
    static Budget plenty(Path jobs) {
        return of(jobs, ALL, Duration.ofMinutes(1));
    }

    /** @param patience how long a job waits */
    static Budget of(Path jobs, Footprint total, Duration patience) {
        var disk = new Budget.Disk() {
            @Override
            public long free() {
                return total.disk();
            }

            @Override
            public long written() {
                return Long.MAX_VALUE;
            }
        };
        return new Budget(jobs, total, disk, patience);
    }
}
