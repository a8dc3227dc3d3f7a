package dev.chromacompactor.compaction;

import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.SafeClose;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Metrics;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What the recipes of this package share.
 *
 * @param budget disk and memory that the jobs share; it makes their temporary directories
 * @param unlockPoll how often a file that somebody holds is looked at again
 * @param unlockWait how long, before the job gives up
 * @param limits of archives
 * @param metrics told of waits and validations
 */
public record Recipe(Budget budget, Duration unlockPoll, Duration unlockWait, Archives.Limits limits, Metrics metrics) {
    /** For whom nobody asks in numbers. */
    public Recipe(Budget budget, Duration unlockPoll, Duration unlockWait, Archives.Limits limits) {
        this(budget, unlockPoll, unlockWait, limits, Metrics.none());
    }

    /**
     * Before every upload: waits until nothing holds the files of {@code directory} any more.
     *
     * @return how long that took
     */
    Duration unlocked(Path directory) {
        Duration waited = SafeClose.await(directory, unlockPoll, unlockWait);
        metrics.unlockWaited(waited);
        return waited;
    }

    /** Before every upload, after that wait: reads the files as a stranger would, every id, vector and link. */
    void check(Path directory) {
        long begun = System.nanoTime();
        try {
            ChromaDatabase.open(directory).close();
            metrics.validated(Metrics.Subject.OUTPUT, Duration.ofNanos(System.nanoTime() - begun));
        } catch (FailureException e) {
            throw onOurs(e, "output-unsound", directory.toString());
        }
    }

    /** A fault of what we made, or of the base, is never that of the inputs: nothing of it may be published. */
    static FailureException onOurs(FailureException e, String reason, String what) {
        Failure failure = e.failure();
        return failure.blame() == Blame.INPUT
                ? new FailureException(
                        Blame.INVARIANT, reason, what + ": " + failure.reason() + ": " + failure.message(), e)
                : e;
    }
}
