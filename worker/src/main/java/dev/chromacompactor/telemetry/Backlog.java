package dev.chromacompactor.telemetry;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What one database waits for.
 *
 * @param batches that are not closed
 * @param chunks of them that are on their way into the live snapshot
 * @param excused chunks that the live snapshot names as missing, with a reason
 * @param oldestDelta when the oldest delta that is on its way was written; null if none waits
 */
public record Backlog(
        int batches, int chunks, int excused, @Nullable Instant oldestDelta) {}
