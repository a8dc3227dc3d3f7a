package dev.chromacompactor.process;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/** Stands between a worker and a server, and holds one kind of request back until it is told to let it pass. */
final class Turnstile implements AutoCloseable {
    /** What the client of the JDK sets itself. */
    private static final Set<String> OWN = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);

    static {
        OWN.addAll(Set.of("connection", "content-length", "expect", "host", "upgrade", "transfer-encoding"));
    }

    private final URI target;
    private final Predicate<String> holds;
    private final HttpServer server;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final AtomicInteger held = new AtomicInteger();
    private final CountDownLatch open = new CountDownLatch(1);

    /** @param holds of {@code "GET /bucket/key"}, or {@code "AmazonSQS.DeleteMessageBatch"} */
    Turnstile(URI target, Predicate<String> holds) {
        this.target = target;
        this.holds = holds;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::pass);
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Waits until a request of that kind has come. */
    void awaitHeld() {
        Awaitility.await()
                .atMost(Backend.PATIENCE)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> held.get() > 0);
    }

    /** Lets pass what is held, and all that comes. */
    void open() {
        open.countDown();
    }

    private void pass(HttpExchange exchange) {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            var action = exchange.getRequestHeaders().getFirst("X-Amz-Target");
            var what = action != null
                    ? action
                    : exchange.getRequestMethod() + " "
                            + exchange.getRequestURI().getPath();
            if (open.getCount() > 0 && holds.test(what)) {
                held.incrementAndGet();
                open.await();
            }
            answer(exchange, client.send(request(exchange, body), HttpResponse.BodyHandlers.ofByteArray()));
        } catch (IOException e) {
            // The worker hung up, or was killed.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HttpRequest request(HttpExchange exchange, byte[] body) {
        var uri = URI.create(target + exchange.getRequestURI().toString());
        var request = HttpRequest.newBuilder(uri)
                .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!OWN.contains(name)) {
                values.forEach(value -> request.header(name, value));
            }
        });
        return request.build();
    }

    private static void answer(HttpExchange exchange, HttpResponse<byte[]> response) throws IOException {
        boolean head = exchange.getRequestMethod().equals("HEAD");
        response.headers().map().forEach((name, values) -> {
            if (!OWN.contains(name) || (head && name.equalsIgnoreCase("content-length"))) {
                exchange.getResponseHeaders().put(name, values);
            }
        });
        byte[] body = response.body();
        exchange.sendResponseHeaders(response.statusCode(), head || body.length == 0 ? -1 : body.length);
        if (!head && body.length > 0) {
            exchange.getResponseBody().write(body);
        }
    }

    @Override
    public void close() {
        open();
        server.stop(0);
    }
}
