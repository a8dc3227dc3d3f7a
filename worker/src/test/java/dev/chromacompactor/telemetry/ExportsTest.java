package dev.chromacompactor.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ExportsTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);

    private record Received(String method, String path, String type, String body) {}

    @Test
    void a_collector_receives_metrics_with_their_names_labels_and_the_task() throws Exception {
        BlockingQueue<Received> received = new LinkedBlockingQueue<>();
        var collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        var _ = collector.createContext("/", exchange -> {
            try (exchange) {
                received.add(new Received(
                        exchange.getRequestMethod(),
                        exchange.getRequestURI().getPath(),
                        exchange.getRequestHeaders().getFirst("Content-Type"),
                        new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1)));
                exchange.sendResponseHeaders(200, -1);
            }
        });
        collector.start();
        try {
            var base = URI.create("http://127.0.0.1:" + collector.getAddress().getPort());
            var settings = new Exports.Settings(false, false, base, HOUR);
            try (var exports = new Exports(settings, Map.of("aws.ecs.task.arn", "arn:task/1"), print)) {
                new Metrics(exports.registry(), InstantSource.system()).publishLost("words");
            }

            var post = received.poll(10, TimeUnit.SECONDS);

            assertThat(post).isNotNull();
            assertThat(post.method()).isEqualTo("POST");
            assertThat(post.path()).isEqualTo("/v1/metrics");
            assertThat(post.type()).isEqualTo("application/x-protobuf");
            assertThat(post.body())
                    .contains("compactor.publishes", "database", "words", "chroma-compactor", "arn:task/1");
        } finally {
            collector.stop(0);
        }
    }

    @Test
    void prometheus_and_lines_see_the_same_and_none_costs_nothing() {
        var settings = new Exports.Settings(true, true, null, HOUR);
        try (var exports = new Exports(settings, Map.of(), print)) {
            new Metrics(exports.registry(), InstantSource.system()).publishLost("words");

            assertThat(exports.prometheus())
                    .contains("compactor_publishes_total{database=\"words\",outcome=\"lost\"} 1.0");
        }
        var lines = out.toString(StandardCharsets.UTF_8);
        assertThat(lines).contains("\"compactor_publishes_total\":1.0").endsWith("}\n");
        assertThat(lines.lines()).allMatch(line -> line.startsWith("{\"_aws\":") && line.endsWith("}"));

        out.reset();
        try (var exports = new Exports(new Exports.Settings(false, false, null, HOUR), Map.of(), print)) {
            new Metrics(exports.registry(), InstantSource.system()).publishLost("words");
            assertThat(exports.prometheus()).isEmpty();
        }
        assertThat(out.size()).isZero();
    }
}
