package dev.chromacompactor.health;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Answers over HTTP, on all interfaces, to GET and HEAD.
 *
 * <pre>
 * /live     200 or 503: {"status":"alive"|"dead","problems":[…],"notes":[…]}
 * /ready    200 or 503: {"status":"ready"|"not-ready",…}
 * /metrics  Prometheus' text format
 * /         what there is
 * </pre>
 */
public final class HealthServer implements AutoCloseable {
    /** The one for metrics that Prometheus expects. */
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

    private static final String JSON = "application/json";
    private static final JsonMapper MAPPER = new JsonMapper();

    private record Answer(int status, String type, String body) {}

    private final HttpServer server;

    /**
     * Begins to answer.
     *
     * @param port 0: any that is free
     * @throws FailureException {@code NODE health-port-taken}
     */
    public HealthServer(int port, Health health, Supplier<String> metrics) {
        try {
            server = HttpServer.create(new InetSocketAddress(port), 0);
        } catch (IOException e) {
            throw new FailureException(
                    Blame.NODE,
                    "health-port-taken",
                    "listen on COMPACTOR_HEALTH_PORT " + port + ": " + e.getMessage(),
                    e);
        }
        server.setExecutor(Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("health-", 0).factory()));
        answer("/live", () -> verdict(health.live(), "alive", "dead"));
        answer("/ready", () -> verdict(health.ready(), "ready", "not-ready"));
        answer("/metrics", () -> new Answer(200, PROMETHEUS, metrics.get()));
        answer("/", () -> new Answer(200, "text/plain; charset=utf-8", "/live\n/ready\n/metrics\n"));
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void answer(String path, Supplier<Answer> answer) {
        var _ = server.createContext(path, exchange -> {
            try (exchange) {
                var method = exchange.getRequestMethod();
                // A context answers for everything below it too.
                if (!exchange.getRequestURI().getPath().equals(path)) {
                    send(exchange, new Answer(404, "text/plain; charset=utf-8", "not here\n"));
                } else if (!method.equals("GET") && !method.equals("HEAD")) {
                    exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                    send(exchange, new Answer(405, "text/plain; charset=utf-8", "GET or HEAD\n"));
                } else {
                    send(exchange, answer.get());
                }
            }
        });
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", answer.type());
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
            exchange.sendResponseHeaders(answer.status(), -1);
            return;
        }
        exchange.sendResponseHeaders(answer.status(), body.length);
        exchange.getResponseBody().write(body);
    }

    private static Answer verdict(Verdict verdict, String well, String ill) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("status", verdict.well() ? well : ill);
        body.put("problems", verdict.problems());
        body.put("notes", verdict.notes());
        try {
            return new Answer(verdict.well() ? 200 : 503, JSON, MAPPER.writeValueAsString(body) + "\n");
        } catch (IOException e) {
            throw new IllegalStateException("a map of strings is always writable", e);
        }
    }
}
