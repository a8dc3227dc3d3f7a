package dev.chromacompactor.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HealthServerTest {
    private final Health health = new Health(InstantSource.system(), new Progress(InstantSource.system(), () -> 0));
    private final FakeSigns signs = new FakeSigns(InstantSource.system().instant());
    private final HttpClient http = HttpClient.newHttpClient();
    private HealthServer server;

    @BeforeEach
    void start() {
        server = new HealthServer(0, health, () -> "compactor_slots 4\n");
        health.running(signs);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private HttpResponse<String> ask(String method, String path) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void live_says_why_not() throws Exception {
        assertThat(ask("GET", "/live").statusCode()).isEqualTo(200);
        signs.pollerAlive = false;

        var dead = ask("GET", "/live");

        assertThat(dead.statusCode()).isEqualTo(503);
        assertThat(dead.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(dead.body())
                .startsWith(
                        "{\"status\":\"dead\",\"problems\":[\"the poller has ended, nothing is received any more\"]");
    }

    @Test
    void ready_ends_with_the_drain() throws Exception {
        assertThat(ask("GET", "/ready").statusCode()).isEqualTo(200);
        health.draining();

        assertThat(ask("GET", "/ready").statusCode()).isEqualTo(503);
        assertThat(ask("GET", "/live").statusCode()).isEqualTo(200);
    }

    @Test
    void metrics_are_text_that_prometheus_reads() throws Exception {
        var metrics = ask("GET", "/metrics");

        assertThat(metrics.body()).isEqualTo("compactor_slots 4\n");
        assertThat(metrics.headers().firstValue("Content-Type")).hasValue("text/plain; version=0.0.4; charset=utf-8");
    }

    @Test
    void other_paths_and_methods_are_refused_and_head_has_no_body() throws Exception {
        assertThat(ask("GET", "/").body()).contains("/live", "/ready", "/metrics");
        assertThat(ask("GET", "/nothing").statusCode()).isEqualTo(404);
        assertThat(ask("GET", "/live/x").statusCode()).isEqualTo(404);
        assertThat(ask("POST", "/live").statusCode()).isEqualTo(405);
        assertThat(ask("HEAD", "/live").statusCode()).isEqualTo(200);
        assertThat(ask("HEAD", "/live").body()).isEmpty();
    }

    @Test
    void a_taken_port_is_said_with_its_number() throws Exception {
        try (var taken = new ServerSocket(0)) {
            assertThatThrownBy(() -> new HealthServer(taken.getLocalPort(), health, () -> ""))
                    .hasMessageContaining("COMPACTOR_HEALTH_PORT " + taken.getLocalPort());
        }
    }
}
