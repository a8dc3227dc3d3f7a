package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A batch is watched by a program of its own. */
class BatchIT {
    private static final String DATABASE = "followed";

    private final Backend backend = Backend.shared();
    private final Backend.Queues queues = backend.queues("watched-" + UUID.randomUUID());

    @TempDir
    private Path directory;

    @AfterEach
    void removeQueues() {
        backend.delete(queues.url());
        backend.delete(queues.deadLetters());
    }

    @Test
    void who_stops_watching_is_told_that_the_batch_goes_on() throws Exception {
        var _ = SmallDeltas.put(backend.bucket(), DATABASE, 1, directory);
        var environment = backend.environment(queues);
        Program.enqueue(environment, DATABASE, 1);
        try (var watch = Program.start(environment, "batch", "watch", DATABASE + "-1")) {
            await().atMost(Backend.PATIENCE).until(() -> watch.out().contains("0 of 1 chunks folded\n"));

            // As Ctrl-C, which a process that was started in the background may have been told to ignore.
            watch.signal("TERM");

            assertThat(watch.await(Backend.PATIENCE)).isEqualTo(128 + 15);
            assertThat(watch.err())
                    .endsWith("stopped watching; the batch goes on. compactor batch watch " + DATABASE
                            + "-1 comes back to it\n");
            assertThat(watch.out()).isEqualTo("0 of 1 chunks folded\n");
        }
    }
}
