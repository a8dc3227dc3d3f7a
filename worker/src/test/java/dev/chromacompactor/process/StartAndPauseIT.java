package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

/** What a worker does before its first poll, and instead of it. */
class StartAndPauseIT {
    private static final String POISON = "{\"operation\":\"no_such_thing\"}";

    @Test
    void a_worker_refuses_what_is_wrong_all_together_and_before_it_takes_a_message() {
        var backend = Backend.shared();
        var queues = backend.queues("refused");
        var others = backend.queues("not-its-letters");
        backend.send(queues.url(), POISON);

        var refused = Program.run(
                backend.environment(
                        new Backend.Queues(queues.url(), others.deadLetters()), "COMPACTOR_BUCKET", "no-such-bucket"),
                "worker");

        assertThat(refused.code()).isEqualTo(78);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err())
                .contains("[redrive-elsewhere]", "[s3-bucket-missing]", "compactor doctor")
                .doesNotContain("\tat ");
        assertThat(backend.visible(queues.url())).isEqualTo(1);
    }

    @Test
    void a_worker_waits_for_a_store_that_is_down_and_can_be_stopped_meanwhile() throws IOException {
        var backend = Backend.shared();
        var queues = backend.queues("waits");
        backend.send(queues.url(), POISON);
        try (var worker = Program.start(
                backend.environment(queues, "AWS_ENDPOINT_URL_S3", "http://127.0.0.1:" + nobody()), "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> worker.says("not started yet") >= 2);
            assertThat(worker.isAlive()).isTrue();
            assertThat(worker.err()).contains("s3-unreachable").doesNotContain("\tat ");
            assertThat(backend.visible(queues.url())).isEqualTo(1);

            worker.signal("TERM");
            assertThat(worker.await(Program.STOP)).isEqualTo(143);
        }
    }

    @Test
    void a_paused_worker_takes_nothing_and_goes_on_when_it_is_resumed() {
        var backend = Backend.shared();
        var queues = backend.queues("paused");
        var environment = backend.environment(queues, "COMPACTOR_BUCKET", "paused");
        var _ = backend.makeBucket("paused");
        assertThat(Program.run(environment, "pause", "--reason", "bucket moves", "--wait")
                        .code())
                .isZero();
        backend.send(queues.url(), POISON);
        try (var worker = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> worker.says("paused: no polling") == 1);
            assertThat(backend.visible(queues.url())).isEqualTo(1);

            assertThat(Program.run(environment, "resume").code()).isZero();

            await().atMost(Backend.PATIENCE).until(() -> backend.messages(queues.deadLetters()) == 1);
            assertThat(worker.says("resumed: polling again")).isEqualTo(1);
            worker.signal("TERM");
            assertThat(worker.await(Program.STOP)).isEqualTo(143);
        }
    }

    private static int nobody() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
