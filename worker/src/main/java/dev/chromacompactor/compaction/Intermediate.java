package dev.chromacompactor.compaction;

import dev.chromacompactor.chroma.Summary;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * A finished intermediate in scratch, closed, verified and ready to be uploaded.
 *
 * @param file its one file
 * @param unlockWait how long it took until nothing held the file
 * @param inputs the deltas in it, in stamp order; empty for a merge of intermediates
 */
public record Intermediate(
        Path file, long size, String sha256, Summary summary, Duration unlockWait, List<FoldedDelta> inputs) {
    public Intermediate {
        inputs = List.copyOf(inputs);
    }

    /** The directory that holds its one file. */
    public Path directory() {
        return Objects.requireNonNull(file.getParent());
    }
}
