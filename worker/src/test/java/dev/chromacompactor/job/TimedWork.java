package dev.chromacompactor.job;

import dev.chromacompactor.store.MemoryObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Tests with one worker and a bucket whose clock stands until it is moved. */
abstract class TimedWork {
    static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");

    @TempDir
    Path scratch;

    Instant now = MONDAY.plus(Duration.ofHours(16));
    final MemoryObjectStore store = new MemoryObjectStore("bucket", () -> now);
    Workplace work;

    @BeforeEach
    void open() {
        work = new Workplace(store, scratch);
    }

    void later(Duration length) {
        now = now.plus(length);
    }
}
