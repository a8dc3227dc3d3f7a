package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManyChunksIT {
    private static final String DATABASE = "many";
    private static final int CHUNKS = 200;
    /** Sixteen chunks each. */
    private static final int GROUPS = 13;

    private static final int FILES = 256;
    private static final int CONCURRENCY = 2;

    private final Backend backend = Backend.shared();

    @TempDir
    private Path directory;

    /** Chroma's own client leaks six descriptors with every database it opens. */
    @Test
    void two_hundred_chunks_pass_under_a_limit_of_256_open_files() throws Exception {
        var queues = backend.queues("many");
        var environment = backend.environment(queues, "COMPACTOR_CONCURRENCY", String.valueOf(CONCURRENCY));
        var _ = SmallDeltas.put(backend.bucket(), DATABASE, CHUNKS, directory);
        try (var worker = Program.startWithFiles(FILES, environment, "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> worker.says("worker started") == 1);
            var idle = worker.descriptors();
            var peak = new AtomicInteger();
            var started = System.nanoTime();

            var sent = Program.run(
                    environment,
                    "enqueue",
                    "--database",
                    DATABASE,
                    "--prefix",
                    DATABASE + "/delta/",
                    "--chunk-size",
                    "1",
                    "--json");
            assertThat(sent.code()).isZero();
            await().atMost(Backend.PATIENCE).pollInterval(Duration.ofMillis(50)).until(() -> {
                peak.accumulateAndGet(worker.descriptors(), Math::max);
                return worker.says("final_merge") > 0 && backend.messages(queues.url()) == 0;
            });
            var took = Duration.ofNanos(System.nanoTime() - started);

            var live = backend.live(DATABASE).orElseThrow();
            assertThat(live.contents().records()).isEqualTo((long) CHUNKS * SmallDeltas.RECORDS);
            assertThat(live.lineage().chunks()).hasSize(CHUNKS);
            assertThat(live.lineage().excused()).isEmpty();
            var batch = sent.json().get("batch_id").asText();
            assertThat(backend.bucket().list("batches/" + batch + "/group-")).hasSize(GROUPS);
            assertThat(backend.messages(queues.deadLetters())).isZero();
            // Idle again: nothing but connections to SQS and S3 and the libraries that the first job loaded.
            var after = worker.descriptors();
            System.out.printf(
                    "%d chunks in %d ms, %d ms of the worker's CPU; descriptors: %d idle, %d at most, %d afterwards%n",
                    CHUNKS, took.toMillis(), worker.cpu().toMillis(), idle, peak.get(), after);
            assertThat(peak.get()).as("at most").isLessThan(idle + 16 * CONCURRENCY);
            assertThat(after).as("afterwards").isLessThan(idle + 16);
        }
    }
}
