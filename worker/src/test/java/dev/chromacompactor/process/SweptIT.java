package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SweptIT {
    private static final String DATABASE = "swept";

    private final Backend backend = Backend.shared();

    @TempDir
    private Path directory;

    @Test
    void a_batch_whose_messages_were_all_purged_is_published_all_the_same() throws Exception {
        var queues = backend.queues(DATABASE);
        // Of its own: in a bucket that others use it would send again what they have left.
        var bucket = backend.makeBucket("swept");
        var environment = backend.environment(
                queues, "COMPACTOR_BUCKET", "swept", "COMPACTOR_SWEEP_EVERY", "PT1S", "COMPACTOR_SWEEP_AFTER", "PT2S");
        var _ = SmallDeltas.put(bucket, DATABASE, 2, directory);
        Program.enqueue(environment, DATABASE, 1);
        assertThat(backend.messages(queues.url())).isEqualTo(2);
        backend.purge(queues.url());
        assertThat(backend.messages(queues.url())).isZero();

        try (var worker = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE)
                    .until(() -> new SnapshotCatalog(bucket, DATABASE).live() instanceof Live.Ours ours
                            && ours.manifest().contents().records() == 2L * SmallDeltas.RECORDS
                            && bucket.list(DATABASE + "/open/").isEmpty());
            assertThat(worker.says("messages sent again")).isPositive();
        }
        assertThat(backend.messages(queues.deadLetters())).isZero();
    }
}
