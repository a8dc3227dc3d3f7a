package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** SIGTERM in each phase of the work, with servers that do not answer. One attempt is allowed, so one that is counted is a dead letter. */
class DrainIT {
    private static final int DELTAS = 6;

    private final Backend backend = Backend.shared();

    @TempDir
    private Path directory;

    enum Phase {
        DOWNLOAD("GET ", "/delta/0003/chroma.sqlite3"),
        MERGE("GET ", "/delta/0005/chroma.sqlite3"),
        UPLOAD("PUT ", "/chunk-0/chroma.sqlite3"),
        POINTER("PUT ", "/snapshot/latest-pointer.txt"),
        ACKNOWLEDGE("AmazonSQS.DeleteMessageBatch", "");

        private final String start;
        private final String end;

        Phase(String start, String end) {
            this.start = start;
            this.end = end;
        }

        boolean is(String request) {
            return request.startsWith(start) && request.endsWith(end);
        }
    }

    @ParameterizedTest
    @EnumSource(Phase.class)
    void asked_to_stop_in_the_middle_a_worker_hands_everything_back_and_leaves_nothing(Phase phase) throws Exception {
        var database = "drain-" + phase.name().toLowerCase(Locale.ROOT);
        var queues = backend.queues(database);
        var _ = SmallDeltas.put(backend.bucket(), database, DELTAS, directory);
        Program.enqueue(backend.environment(queues), database, DELTAS);
        try (var s3 = new Turnstile(backend.s3Endpoint(), phase::is);
                var sqs = new Turnstile(backend.sqsEndpoint(), phase::is);
                var worker = Program.start(through(s3, sqs, queues), "worker")) {
            (phase == Phase.ACKNOWLEDGE ? sqs : s3).awaitHeld();
            if (phase == Phase.MERGE) {
                // The last delta arrives while the worker is stopping.
                s3.open();
            }
            worker.signal("TERM");

            assertThat(worker.await(Program.STOP)).isEqualTo(143);
            try (var left = Files.list(directory.resolve("scratch"))) {
                assertThat(left).isEmpty();
            }
            await().atMost(Duration.ofSeconds(2))
                    .until(() -> backend.visible(queues.url()) == backend.messages(queues.url()));
            // What was on its way is applied late.
            s3.open();
            sqs.open();
        }
        assertThat(backend.messages(queues.deadLetters())).isZero();
        try (var _ = Program.start(backend.environment(queues, "COMPACTOR_MAX_ATTEMPTS", "1"), "worker")) {
            await().atMost(Backend.PATIENCE)
                    .until(() -> backend.live(database).isPresent() && backend.messages(queues.url()) == 0);
        }
        assertThat(backend.live(database).orElseThrow().contents().records())
                .isEqualTo((long) DELTAS * SmallDeltas.RECORDS);
        assertThat(backend.messages(queues.deadLetters())).isZero();
    }

    @Test
    void asked_to_stop_while_it_waits_for_messages_it_releases_what_still_comes() throws Exception {
        var queues = backend.queues("drain-poll");
        try (var s3 = new Turnstile(backend.s3Endpoint(), what -> false);
                var sqs = new Turnstile(backend.sqsEndpoint(), what -> false);
                var worker = Program.start(through(s3, sqs, queues), "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> worker.says("worker started") == 1);
            await().pollDelay(Duration.ofSeconds(2)).until(() -> true);
            worker.signal("TERM");
            await().pollDelay(Duration.ofSeconds(2)).until(() -> true);
            // Its last poll is still under way, and gets this one.
            backend.send(queues.url(), "{\"operation\":\"no_such_thing\"}");

            assertThat(worker.await(Program.STOP)).isEqualTo(143);
            assertThat(worker.says("job started")).isZero();
            await().atMost(Duration.ofSeconds(2)).until(() -> backend.visible(queues.url()) == 1);
        }
        assertThat(backend.messages(queues.deadLetters())).isZero();
    }

    @Test
    void asked_to_stop_while_a_store_that_does_not_answer_is_checked_it_ends_all_the_same() throws Exception {
        var queues = backend.queues("drain-start");
        try (var s3 = new Turnstile(backend.s3Endpoint(), what -> true);
                var sqs = new Turnstile(backend.sqsEndpoint(), what -> false);
                var worker = Program.start(through(s3, sqs, queues), "worker")) {
            s3.awaitHeld();
            worker.signal("TERM");

            assertThat(worker.await(Program.STOP)).isEqualTo(143);
            assertThat(worker.says("worker started")).isZero();
        }
    }

    private Map<String, String> through(Turnstile s3, Turnstile sqs, Backend.Queues queues) throws IOException {
        return backend.environment(
                queues,
                "AWS_ENDPOINT_URL_S3",
                s3.endpoint(),
                "AWS_ENDPOINT_URL_SQS",
                sqs.endpoint(),
                "COMPACTOR_SCRATCH_DIR",
                Files.createDirectories(directory.resolve("scratch")).toString(),
                "COMPACTOR_DRAIN_TIMEOUT",
                "PT1S",
                "COMPACTOR_MAX_ATTEMPTS",
                "1");
    }
}
