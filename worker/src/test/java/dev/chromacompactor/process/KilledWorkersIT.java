package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KilledWorkersIT {
    private static final int CHUNKS = 30;
    private static final int DELTAS = 2;
    private static final int KILLS = 5;
    private static final long SEED = 20261124;

    private final Backend backend = Backend.shared();

    @TempDir
    private Path directory;

    @Test
    void killed_in_the_middle_again_and_again_nothing_is_lost_and_nothing_comes_in_twice() throws Exception {
        // On a slow machine the same chunk may be at work at each kill: deaths that this test causes are not to count
        // up to a dead letter.
        var queues = backend.queues("killed", 100);
        var environment = backend.environment(
                queues,
                "COMPACTOR_MAX_ATTEMPTS",
                "100",
                "COMPACTOR_VISIBILITY",
                "PT5S",
                "COMPACTOR_SCRATCH_DIR",
                directory.resolve("scratch").toString());
        var _ = SmallDeltas.put(backend.bucket(), "killed", CHUNKS * DELTAS, directory);
        Program.enqueue(environment, "killed", DELTAS);
        var random = new Random(SEED);
        for (int kill = 0; kill < KILLS; kill++) {
            try (var victim = Program.start(environment, "worker")) {
                await().atMost(Backend.PATIENCE)
                        .pollInterval(Duration.ofMillis(10))
                        .until(() -> victim.says("job started") > 0);
                TimeUnit.MILLISECONDS.sleep(random.nextLong(600));
                victim.signal("KILL");
            }
        }
        try (var _ = Program.start(environment, "worker");
                var second = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> second.says("job started") > 0);
            second.signal("KILL");
            await().atMost(Backend.PATIENCE).until(() -> backend.messages(queues.url()) == 0);
        }

        var live = backend.live("killed").orElseThrow();
        assertThat(live.lineage().chunks())
                .extracting(Lineage.Chunk::name)
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, CHUNKS)
                        .mapToObj(i -> ChunkName.of("killed-1", i))
                        .toList());
        assertThat(live.lineage().inputs()).hasSize(CHUNKS * DELTAS).doesNotHaveDuplicates();
        assertThat(live.lineage().excused()).isEmpty();
        var ledger = Objects.requireNonNull(live.contents().ledger());
        assertThat(ledger.balances()).isTrue();
        assertThat(ledger.out())
                .isEqualTo(live.contents().records())
                .isEqualTo((long) CHUNKS * DELTAS * SmallDeltas.RECORDS);
        assertThat(backend.messages(queues.deadLetters())).isZero();
    }

    @Test
    void asked_to_stop_a_worker_hands_its_work_back_and_leaves_nothing_behind() throws Exception {
        var queues = backend.queues("stopped");
        var scratch = Files.createDirectory(directory.resolve("scratch"));
        // With one attempt, an interrupted job that counted would be a dead letter.
        // With one job at once, no poll is cut off that a server might answer with the message that is handed back.
        var environment = backend.environment(
                queues,
                "COMPACTOR_SCRATCH_DIR",
                scratch.toString(),
                "COMPACTOR_DRAIN_TIMEOUT",
                "PT0.1S",
                "COMPACTOR_CONCURRENCY",
                "1",
                "COMPACTOR_MAX_ATTEMPTS",
                "1");
        int deltas = 60;
        var _ = SmallDeltas.put(backend.bucket(), "stopped", deltas, directory);
        Program.enqueue(environment, "stopped", deltas);
        try (var worker = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE)
                    .pollInterval(Duration.ofMillis(10))
                    .until(() -> worker.says("job started") == 1);
            TimeUnit.MILLISECONDS.sleep(200);

            worker.signal("TERM");

            assertThat(worker.await(Program.STOP)).isEqualTo(143);
            assertThat(worker.says("\"outcome\":\"hand-back\""))
                    .as(worker.err())
                    .isEqualTo(1);
        }
        try (var left = Files.list(scratch)) {
            assertThat(left).isEmpty();
        }
        assertThat(backend.visible(queues.url())).as("visible at once").isEqualTo(1);
        assertThat(backend.messages(queues.deadLetters())).isZero();

        try (var _ = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> backend.live("stopped").isPresent());
        }
        assertThat(backend.live("stopped").orElseThrow().contents().records())
                .isEqualTo((long) deltas * SmallDeltas.RECORDS);
        assertThat(backend.messages(queues.deadLetters())).isZero();
    }
}
