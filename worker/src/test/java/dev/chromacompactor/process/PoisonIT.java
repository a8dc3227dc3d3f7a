package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.failure.Failure;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Messages that kill whoever works on them, as an input that makes the kernel kill the process does. */
class PoisonIT {
    private static final int INNOCENT = 4;
    /** In one chunk: it must not end before its worker is killed. */
    private static final int DEADLY = 40;

    private final Backend backend = Backend.shared();

    @TempDir
    private Path directory;

    private Map<String, String> environment(Backend.Queues queues) {
        return backend.environment(
                queues,
                "COMPACTOR_VISIBILITY",
                "PT2S",
                "COMPACTOR_MAX_ATTEMPTS",
                "2",
                "COMPACTOR_SCRATCH_DIR",
                directory.resolve("scratch").toString());
    }

    @Test
    void a_message_that_kills_its_worker_each_time_becomes_a_letter_and_takes_no_other_with_it() throws Exception {
        var queues = backend.queues("deadly");
        var environment = environment(queues);
        var _ = SmallDeltas.put(backend.bucket(), "deadly", DEADLY, directory.resolve("a"));
        var _ = SmallDeltas.put(backend.bucket(), "innocent", INNOCENT, directory.resolve("b"));
        Program.enqueue(environment, "deadly", DEADLY);
        Program.enqueue(environment, "innocent", 1);
        int killed = 0;
        while (backend.messages(queues.deadLetters()) == 0) {
            try (var worker = Program.start(environment, "worker")) {
                await().atMost(Backend.PATIENCE)
                        .pollInterval(Duration.ofMillis(5))
                        .until(() -> begunDeadly(worker) || backend.messages(queues.deadLetters()) > 0);
                if (begunDeadly(worker)) {
                    worker.signal("KILL");
                    killed++;
                } else {
                    // Killed between the letter and the delete it would leave a second letter.
                    worker.signal("TERM");
                    assertThat(worker.await(Backend.PATIENCE)).isEqualTo(143);
                }
            }
        }

        // The first receive leaves no mark; then there are as many as allowed.
        assertThat(killed).isEqualTo(3);
        var letters = Program.run(environment, "dlq", "list", "--json");
        assertThat(letters.json()).hasSize(1);
        var letter = letters.json().get(0);
        assertThat(letter.path("reason").textValue()).isEqualTo("worker-died");
        assertThat(letter.path("batch_id").textValue()).isEqualTo("deadly-1");
        assertFailed("deadly-1", "worker-died");
        try (var _ = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE)
                    .until(() -> backend.live("innocent").isPresent() && backend.messages(queues.url()) == 0);
        }
        assertThat(backend.live("innocent").orElseThrow().contents().records())
                .isEqualTo((long) INNOCENT * SmallDeltas.RECORDS);
        assertThat(backend.messages(queues.deadLetters())).isEqualTo(1);
        assertThat(backend.bucket().list("attempts/")).isEmpty();
    }

    /** By the line that says that the chunk's job started; the final merge that follows its failure kills nobody. */
    private static boolean begunDeadly(Program worker) {
        return worker.err()
                .lines()
                .filter(line -> line.contains("job started") && line.contains("process_chunk"))
                .anyMatch(line -> line.contains("\"batch_id\":\"deadly-1\""));
    }

    @Test
    void a_batch_learns_of_a_message_that_SQS_itself_moved_away() throws Exception {
        var queues = backend.queues("moved", 1);
        var environment = environment(queues);
        var _ = SmallDeltas.put(backend.bucket(), "moved", DEADLY, directory);
        Program.enqueue(environment, "moved", DEADLY);
        try (var worker = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> worker.says("job started") > 0);
            worker.signal("KILL");
        }

        try (var _ = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE)
                    .until(() ->
                            new Receipts(backend.bucket()).chunk("moved-1", 0).isPresent());
        }
        assertFailed("moved-1", "native-redrive");
        assertThat(Program.run(environment, "dlq", "list", "--json")
                        .json()
                        .get(0)
                        .path("reason")
                        .textValue())
                .isEqualTo("native-redrive");
    }

    private void assertFailed(String batch, String reason) {
        assertThat(new Receipts(backend.bucket()).chunk(batch, 0)).hasValueSatisfying(receipt -> {
            assertThat(receipt.status()).isEqualTo(Receipt.Status.FAILED);
            assertThat(receipt.failure()).extracting(Failure::reason).isEqualTo(reason);
        });
    }
}
