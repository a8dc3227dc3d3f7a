package dev.chromacompactor.health;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProbeTest {
    private static final Duration PLENTY = Duration.ofSeconds(20);

    @ParameterizedTest
    @CsvSource({"200, 0", "503, 1", "404, 1"})
    void only_a_200_for_live_is_alive(int status, int exitCode) throws Exception {
        var server = HttpServer.create(loopback(), 0);
        server.createContext("/live", exchange -> {
            var body = "{}".getBytes(UTF_8);
            exchange.sendResponseHeaders(
                    exchange.getRequestURI().getPath().equals("/live") ? status : 500, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try {
            assertThat(probe(server.getAddress().getPort(), PLENTY)).isEqualTo(exitCode);
        } finally {
            server.stop(0);
        }
    }

    @Test
    void a_port_that_nobody_listens_on_is_not_alive() throws Exception {
        int port;
        try (var taken = listener()) {
            port = taken.getLocalPort();
        }
        assertThat(probe(port, PLENTY)).isEqualTo(1);
    }

    @Test
    void one_that_accepts_and_never_answers_is_not_alive_and_is_not_waited_for() throws Exception {
        try (var silent = listener()) {
            assertThat(probe(silent.getLocalPort(), Duration.ofMillis(50))).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"eighty", "65536", "-1"})
    void a_port_that_is_none_is_not_alive(String port) {
        assertThat(Probe.run(port, PLENTY)).isEqualTo(1);
    }

    private static int probe(int port, Duration longestWait) {
        return Probe.run(String.valueOf(port), longestWait);
    }

    private static ServerSocket listener() throws IOException {
        return new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    }

    private static InetSocketAddress loopback() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }
}
