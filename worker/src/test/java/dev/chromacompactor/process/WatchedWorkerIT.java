package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker process tells of itself: health, metrics, log lines with one trace, and its calls to ECS. */
class WatchedWorkerIT {
    private static final String DATABASE = "watched";
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

    private final Backend backend = Backend.shared();
    /** Of each test its own: what one leaves behind is not another's. */
    private final Backend.Queues queues = backend.queues("watched-" + UUID.randomUUID());

    private final HttpClient http = HttpClient.newHttpClient();
    private final List<String> askedOfEcs = new CopyOnWriteArrayList<>();

    @TempDir
    private Path directory;

    private HttpServer ecs() throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        var _ = server.createContext("/", exchange -> {
            try (exchange) {
                var request = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                askedOfEcs.add(exchange.getRequestURI().getPath() + " " + request);
                var answer = "{\"TaskARN\":\"arn:task/1\",\"Cluster\":\"c\",\"AvailabilityZone\":\"z\",\"ImageID\":"
                        + "\"sha256:1\",\"protection\":{}}";
                exchange.sendResponseHeaders(200, answer.length());
                exchange.getResponseBody().write(answer.getBytes(StandardCharsets.UTF_8));
            }
        });
        server.start();
        return server;
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private HttpResponse<String> get(int port, String path) {
        try {
            return http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .timeout(Duration.ofSeconds(10))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<JsonNode> objects(String lines) {
        return lines.lines()
                .filter(line -> line.startsWith("{"))
                .map(line -> {
                    try {
                        return new JsonMapper().readTree(line);
                    } catch (IOException e) {
                        throw new UncheckedIOException(line, e);
                    }
                })
                .toList();
    }

    @Test
    void from_enqueue_to_publish_it_can_be_watched() throws Exception {
        var _ = SmallDeltas.put(backend.bucket(), DATABASE, 4, directory);
        int port = freePort();
        var server = ecs();
        var agent = "http://127.0.0.1:" + server.getAddress().getPort();
        var environment = new HashMap<>(backend.environment(
                queues,
                "COMPACTOR_HEALTH_PORT",
                String.valueOf(port),
                "COMPACTOR_METRICS",
                "emf",
                "COMPACTOR_METRICS_INTERVAL",
                "PT1S",
                "ECS_AGENT_URI",
                agent + "/agent",
                "ECS_CONTAINER_METADATA_URI_V4",
                agent + "/v4"));
        try (var worker = Program.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> worker.says("worker started") == 1);
            assertThat(get(port, "/live").statusCode()).isEqualTo(200);
            assertThat(get(port, "/ready").body()).startsWith("{\"status\":\"ready\"");

            var enqueue = new HashMap<>(environment);
            enqueue.put("TRACEPARENT", "00-" + TRACE + "-b7ad6b7169203331-01");
            var sent = Program.run(
                    enqueue,
                    "enqueue",
                    "--database",
                    DATABASE,
                    "--prefix",
                    DATABASE + "/delta/",
                    "--chunk-size",
                    "2",
                    "--batch",
                    "watched-1",
                    "--json");
            assertThat(sent.json().path("trace_id").asText()).isEqualTo(TRACE);
            await().atMost(Backend.PATIENCE).until(() -> backend.live(DATABASE).isPresent());
            await().atMost(Backend.PATIENCE).until(() -> backend.messages(queues.url()) == 0);

            metricsSay(get(port, "/metrics").body());
            logLinesHaveOneTrace(worker);
            assertThat(backend.live(DATABASE).orElseThrow().build()).endsWith(", image sha256:1, task arn:task/1");
            await().atMost(Backend.PATIENCE).until(() -> worker.out().contains("compactor_publishes_total"));
            assertThat(objects(worker.out()))
                    .hasSize((int) worker.out().lines().count())
                    .allSatisfy(line -> assertThat(line.at("/_aws/CloudWatchMetrics/0/Namespace")
                                    .asText())
                            .isEqualTo("ChromaCompactor"));
            // On a slow machine there may be a pause of 15 s between two jobs.
            assertThat(askedOfEcs)
                    .filteredOn(asked -> asked.contains("task-protection"))
                    .hasSizeLessThanOrEqualTo(4)
                    .startsWith("/agent/task-protection/v1/state {\"ProtectionEnabled\":true,\"ExpiresInMinutes\":30}");

            worker.signal("TERM");
            assertThat(worker.await(Backend.PATIENCE)).isEqualTo(143);
        } finally {
            server.stop(0);
        }
    }

    private static void metricsSay(String metrics) {
        assertThat(metrics)
                // Two, if both last chunks sent the final merge and the second one's were taken along.
                .containsPattern("compactor_publishes_total\\{database=\"" + DATABASE + "\",outcome=\"won\"} [12].0")
                .contains("compactor_chunks_total{outcome=\"done\"} 2.0")
                .contains("compactor_validation_seconds_count{subject=\"delta\"} 4")
                // Two intermediates and one snapshot, or two.
                .containsPattern("compactor_validation_seconds_count\\{subject=\"output\"} [34]")
                .contains("compactor_unlock_wait_seconds_count")
                .contains("compactor_messages_settled_total{blame=\"none\",job=\"process_chunk\",outcome=\"done\","
                        + "reason=\"none\"} 2.0")
                .contains("compactor_healthy 1.0")
                .containsPattern("compactor_s3_requests_total\\{call=\"PutObject\",status=\"2xx\"} [1-9]")
                .containsPattern("compactor_publish_sent_bytes_sum\\{database=\"" + DATABASE + "\"} [1-9]")
                .containsPattern("compactor_publish_requests_sum\\{database=\"" + DATABASE + "\"} [1-9]");
    }

    private static void logLinesHaveOneTrace(Program worker) {
        var lines = objects(worker.err());
        assertThat(lines).allSatisfy(line -> {
            assertThat(line.path("task").asText()).isEqualTo("arn:task/1");
            assertThat(line.path("image").asText()).isEqualTo("sha256:1");
        });
        for (var job : List.of("process_chunk", "final_merge")) {
            assertThat(lines)
                    .filteredOn(line -> line.path("job").asText().equals(job))
                    .isNotEmpty()
                    .allSatisfy(
                            line -> assertThat(line.path("trace_id").asText()).isEqualTo(TRACE));
        }
        assertThat(lines)
                .filteredOn(line -> line.path("log").asText().equals("published"))
                .isNotEmpty()
                .allSatisfy(line -> {
                    assertThat(line.path("trace_id").asText()).isEqualTo(TRACE);
                    assertThat(line.path("database").asText()).isEqualTo(DATABASE);
                });
    }

    @Test
    void an_ecs_agent_that_never_answers_delays_no_message() throws Exception {
        var _ = SmallDeltas.put(backend.bucket(), "unhindered", 1, directory);
        try (var deaf = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            var agent = "http://127.0.0.1:" + deaf.getLocalPort();
            var environment =
                    backend.environment(queues, "ECS_AGENT_URI", agent, "ECS_CONTAINER_METADATA_URI_V4", agent + "/v4");
            try (var worker = Program.start(environment, "worker")) {
                var sent = Program.run(
                        environment, "enqueue", "--database", "unhindered", "--prefix", "unhindered/delta/");
                assertThat(sent.code()).isZero();
                await().atMost(Backend.PATIENCE)
                        .until(() -> backend.live("unhindered").isPresent());
                await().atMost(Backend.PATIENCE).until(() -> worker.says("scale-in protection not set") >= 1);
                assertThat(worker.err()).contains("task metadata not read");
                assertThat(backend.messages(queues.deadLetters())).isZero();
            }
        }
    }

    @Test
    void a_health_port_that_is_taken_is_said_at_once() throws Exception {
        try (var taken = new ServerSocket(0)) {
            var refused = Program.run(
                    backend.environment(queues, "COMPACTOR_HEALTH_PORT", String.valueOf(taken.getLocalPort())),
                    "worker");
            assertThat(refused.code()).isNotZero();
            assertThat(refused.err()).contains("COMPACTOR_HEALTH_PORT " + taken.getLocalPort());
        }
    }
}
