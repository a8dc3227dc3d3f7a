package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.Map;
import org.junit.jupiter.api.Test;

class WorkerIT {
    @Test
    void a_wrong_configuration_is_refused_with_all_problems_together() {
        var refused = Program.run(
                Map.of(
                        "COMPACTOR_QUEUE_URL", "not a url",
                        "COMPACTOR_BUCKET", "Bucket_Of_Mine",
                        "COMPACTOR_CONCURRENCY", "many",
                        "COMPACTOR_VISIBILITY", "5 minutes",
                        "COMPACTOR_MAX_ATEMPTS", "3"),
                "worker");

        assertThat(refused.code()).isEqualTo(78);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err())
                .contains(
                        "COMPACTOR_QUEUE_URL",
                        "COMPACTOR_DLQ_URL",
                        "COMPACTOR_BUCKET",
                        "COMPACTOR_CONCURRENCY",
                        "COMPACTOR_VISIBILITY",
                        "COMPACTOR_MAX_ATEMPTS",
                        "COMPACTOR_MAX_ATTEMPTS")
                .doesNotContain("\tat ");
    }

    @Test
    void a_worker_outlives_its_queue_says_so_in_single_lines_and_goes_on_when_it_is_back() {
        var backend = Backend.shared();
        var queues = backend.queues("vanishing");
        try (var worker = Program.start(backend.environment(queues), "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> worker.says("worker started") == 1);
            backend.delete(queues.url());
            await().atMost(Backend.PATIENCE).until(() -> worker.says("queue-missing") >= 3);
            assertThat(worker.isAlive()).isTrue();
            assertThat(worker.err()).doesNotContain("\tat ");

            backend.send(backend.queues("vanishing").url(), "{\"operation\":\"no_such_thing\"}");

            await().atMost(Backend.PATIENCE).until(() -> backend.messages(queues.deadLetters()) == 1);
            worker.signal("TERM");
            assertThat(worker.await(Program.STOP)).isEqualTo(143);
        }
    }
}
