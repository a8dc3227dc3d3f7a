package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.chromacompactor.Schemas;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DevIT {
    private static final int SIGINT = 2;

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void says_one_line_and_ends_at_once_without_a_trace_though_a_worker_polls(String signal, int code)
            throws IOException {
        assumeFalse(signal.equals("INT") && interruptsAreIgnored(), "started in the background, without SIGINT");
        var java = Map.of("COMPACTOR_JAVA_OPTS", "-Djava.io.tmpdir=" + temporary);
        try (var dev = Program.start(java, "dev", "--json")) {
            var ready = Backend.ready(dev);
            assertThat(ready.properties())
                    .extracting(Map.Entry::getKey)
                    .containsExactlyInAnyOrder(
                            "sqs_endpoint", "s3_endpoint", "region", "queue_url", "dlq_url", "bucket");
            assertThat(Schemas.problemsOfOurs("dev", ready)).isEmpty();
            var worker = Map.of(
                    "AWS_ENDPOINT_URL_SQS", ready.path("sqs_endpoint").asText(),
                    "AWS_ENDPOINT_URL_S3", ready.path("s3_endpoint").asText(),
                    "AWS_REGION", ready.path("region").asText(),
                    "AWS_ACCESS_KEY_ID", "any",
                    "AWS_SECRET_ACCESS_KEY", "any",
                    "COMPACTOR_QUEUE_URL", ready.path("queue_url").asText(),
                    "COMPACTOR_DLQ_URL", ready.path("dlq_url").asText(),
                    "COMPACTOR_BUCKET", ready.path("bucket").asText());
            try (var polling = Program.start(worker, "worker")) {
                await().atMost(Backend.PATIENCE).until(() -> polling.says("worker started") == 1);

                dev.signal(signal);

                assertThat(dev.await(Duration.ofSeconds(3))).isEqualTo(code);
            }
            assertThat(dev.out()).containsOnlyOnce("\n");
            assertThat(dev.err().lines().filter(line -> !line.contains("incubator modules")))
                    .isEmpty();
        }
        try (var left = Files.list(temporary)) {
            assertThat(left).isEmpty();
        }
    }

    /** A shell without job control starts background processes so, and a JVM respects it. */
    private static boolean interruptsAreIgnored() throws IOException {
        var status = Path.of("/proc/self/status");
        return Files.exists(status)
                && Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("SigIgn:"))
                        .map(line -> new BigInteger(
                                line.substring("SigIgn:".length()).strip(), 16))
                        .anyMatch(ignored -> ignored.testBit(SIGINT - 1));
    }
}
