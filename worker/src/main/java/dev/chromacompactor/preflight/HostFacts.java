package dev.chromacompactor.preflight;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * This machine.
 *
 * @param free bytes that may be written to the scratch directory, after a file was written and removed there
 * @param drain how long running jobs may go on after SIGTERM
 * @param fargate whether it is a Fargate task, which is killed after two minutes at the latest
 */
record HostFacts(Path scratch, Answer<Long> free, Duration drain, boolean fargate) {
    static HostFacts of(Path scratch, Duration drain, boolean fargate) {
        return new HostFacts(scratch, Answer.of(() -> free(scratch)), drain, fargate);
    }

    private static long free(Path scratch) {
        try {
            Files.createDirectories(scratch);
            Path probe = Files.createTempFile(scratch, "probe-", "");
            try {
                Files.write(probe, new byte[4096]);
            } finally {
                Files.deleteIfExists(probe);
            }
            return Files.getFileStore(scratch).getUsableSpace();
        } catch (IOException e) {
            throw new FailureException(Blame.NODE, "scratch-unwritable", "write to " + scratch + ": " + e, e);
        }
    }
}
