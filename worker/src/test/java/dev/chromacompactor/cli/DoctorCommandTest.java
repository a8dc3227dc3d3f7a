package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

class DoctorCommandTest {
    @TempDir
    static Path scratch;

    private static Stage stage;
    private static SqsClient sqs;

    @BeforeAll
    static void start() {
        stage = new Stage(scratch);
        sqs = SqsClient.builder()
                .endpointOverride(URI.create(stage.environment().get("AWS_ENDPOINT_URL_SQS")))
                .region(Region.of(stage.environment().get("AWS_REGION")))
                .build();
    }

    @AfterAll
    static void stop() {
        sqs.close();
        stage.close();
    }

    private static Map<String, String> environment(String... changes) {
        var environment = new HashMap<>(stage.environment());
        for (int i = 0; i < changes.length; i += 2) {
            environment.put(changes[i], changes[i + 1]);
        }
        return environment;
    }

    private static JsonNode doctor(int code, Map<String, String> environment) {
        return Stage.run(environment, "doctor", "--json").ended(code).json();
    }

    private static List<String> reasons(JsonNode diagnosis, String level) {
        var reasons = new ArrayList<String>();
        for (JsonNode finding : diagnosis.get("findings")) {
            if (finding.get("level").asText().equals(level)) {
                reasons.add(finding.get("reason").asText());
            }
        }
        return reasons;
    }

    private static String queue(String name, Map<QueueAttributeName, String> attributes) {
        return sqs.createQueue(r -> r.queueName(name).attributes(attributes)).queueUrl();
    }

    @Test
    void everything_of_compactor_dev_is_fine_and_nothing_is_disturbed() {
        var before = stage.store().list("").size();
        stage.connection().queue().send(List.of("{\"operation\":\"nothing\"}"));

        var diagnosis = doctor(0, stage.environment());
        assertThat(diagnosis.get("healthy").asBoolean()).isTrue();
        assertThat(reasons(diagnosis, "problem")).isEmpty();
        assertThat(reasons(diagnosis, "unanswered")).isEmpty();
        assertThat(diagnosis.get("not_tried")).isNotEmpty();
        assertThat(stage.store().list("")).hasSize(before);
        assertThat(stage.connection().queue().depth())
                .satisfies(depth -> assertThat(depth.visible()).isEqualTo(1))
                .satisfies(depth -> assertThat(depth.inFlight()).isZero());

        assertThat(stage.run("doctor").ended(0).out())
                .contains("ok ", "conditional writes", "40 races", "not tried", "sqs:ReceiveMessage")
                .endsWith("a worker would start\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"If-Match", "If-None-Match"})
    void a_store_that_ignores_a_condition_is_refused(String header) throws Exception {
        try (var front = new CarelessFront(URI.create(stage.environment().get("AWS_ENDPOINT_URL_S3")), header)) {
            var diagnosis = doctor(ExitCode.FOUND_SOMETHING, environment("AWS_ENDPOINT_URL_S3", front.endpoint()));
            assertThat(reasons(diagnosis, "problem")).isNotEmpty().containsOnly("condition-ignored");
            assertThat(diagnosis.get("healthy").asBoolean()).isFalse();
        }
        assertThat(stage.store().list("control/probe/")).isEmpty();
    }

    @Test
    void a_front_that_drops_nothing_changes_nothing() throws Exception {
        try (var front = new CarelessFront(URI.create(stage.environment().get("AWS_ENDPOINT_URL_S3")), "x-nothing")) {
            var _ = doctor(0, environment("AWS_ENDPOINT_URL_S3", front.endpoint()));
        }
    }

    @Test
    void a_queue_without_a_redrive_policy_is_refused() {
        String bare = queue("bare", Map.of());
        assertThat(reasons(doctor(ExitCode.FOUND_SOMETHING, environment("COMPACTOR_QUEUE_URL", bare)), "problem"))
                .containsExactly("redrive-missing");
    }

    @Test
    void a_redrive_to_another_queue_is_refused() {
        String other = queue("other-dlq", Map.of());
        assertThat(reasons(doctor(ExitCode.FOUND_SOMETHING, environment("COMPACTOR_DLQ_URL", other)), "problem"))
                .containsExactly("redrive-elsewhere");
    }

    @Test
    void missing_queues_bucket_and_scratch_come_all_together() throws Exception {
        String queues = stage.environment().get("COMPACTOR_QUEUE_URL");
        Path file = Files.writeString(scratch.resolve("file"), "in the way");
        var ran = Stage.run(
                        environment(
                                "COMPACTOR_QUEUE_URL",
                                queues + "-gone",
                                "COMPACTOR_DLQ_URL",
                                queues + "-gone-too",
                                "COMPACTOR_BUCKET",
                                "no-such-bucket",
                                "COMPACTOR_SCRATCH_DIR",
                                file.resolve("scratch").toString()),
                        "doctor")
                .ended(ExitCode.FOUND_SOMETHING);
        assertThat(ran.out())
                .containsSubsequence(
                        "[queue-missing]", "[queue-missing]", "[s3-bucket-missing]", "[scratch-unwritable]")
                .contains("COMPACTOR_BUCKET", "4 problems: a worker refuses to start");
    }

    @Test
    void who_does_not_answer_is_no_problem_but_somebody_to_wait_for() throws Exception {
        var diagnosis = doctor(ExitCode.TRY_AGAIN, environment("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:" + nobody()));
        assertThat(reasons(diagnosis, "unanswered")).containsExactly("s3-unreachable");
        assertThat(reasons(diagnosis, "problem")).isEmpty();
    }

    private static int nobody() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void a_clock_that_is_off_is_found() {
        InstantSource late = () -> InstantSource.system().instant().plus(Duration.ofMinutes(10));
        var ran =
                Stage.run(stage.environment(), false, late, "doctor", "--json").ended(ExitCode.FOUND_SOMETHING);
        assertThat(reasons(ran.json(), "problem")).containsExactly("clock-skewed");
    }

    @Test
    void a_drain_that_fargate_cuts_off_is_found() {
        var fargate = environment("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE", "COMPACTOR_DRAIN_TIMEOUT", "PT10M");
        assertThat(reasons(doctor(ExitCode.FOUND_SOMETHING, fargate), "problem"))
                .containsExactly("drain-too-long");
    }
}
