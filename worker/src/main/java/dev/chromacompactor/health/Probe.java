package dev.chromacompactor.health;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The health check of a container that has neither shell nor curl: asks the worker beside it for {@code /live}. Exit code 0 if
 * it answers 200 within three seconds, else 1.
 *
 * <p>It runs every few seconds for as long as a worker lives, so it costs what a JVM costs and no more: a plain socket in
 * place of an HTTP client, no logging, no command line.
 */
public final class Probe {
    private static final String DEFAULT_PORT = "8080";
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(3);

    private Probe() {}

    /** Reads the port from {@code COMPACTOR_HEALTH_PORT}, as the worker does; 8080 without it. */
    public static void main(String[] args) {
        System.exit(run(System.getenv("COMPACTOR_HEALTH_PORT"), LONGEST_WAIT));
    }

    static int run(@Nullable String port, Duration longestWait) {
        try {
            var status = status(port == null || port.isBlank() ? DEFAULT_PORT : port.strip(), longestWait);
            if (status.startsWith("HTTP/1.1 200 ")) {
                return 0;
            }
            System.err.println("not live: " + status.strip());
        } catch (IOException | IllegalArgumentException e) {
            System.err.println("not live: port " + port + ": " + e);
        }
        return 1;
    }

    private static String status(String port, Duration longestWait) throws IOException {
        int millis = Math.toIntExact(longestWait.toMillis());
        try (var socket = new Socket()) {
            socket.setSoTimeout(millis);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port)), millis);
            socket.getOutputStream()
                    .write("GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".getBytes(US_ASCII));
            var answer = new String(socket.getInputStream().readNBytes("HTTP/1.1 200 ".length()), US_ASCII);
            return answer.isEmpty() ? "it closed the connection without an answer" : answer;
        }
    }
}
