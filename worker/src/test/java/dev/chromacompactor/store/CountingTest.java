package dev.chromacompactor.store;

import static dev.chromacompactor.store.ScriptedS3.body;
import static dev.chromacompactor.store.ScriptedS3.status;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.telemetry.Traffic;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every attempt counts, once, with the bytes that went over the wire. */
class CountingTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Metrics metrics = new Metrics(registry, InstantSource.system());
    private final Traffic traffic = new Traffic();
    private ScriptedS3 s3;
    private S3ObjectStores stores;

    @BeforeEach
    void start() throws IOException {
        s3 = new ScriptedS3();
        stores = new S3ObjectStores(S3Settings.at(s3.endpoint(), "us-east-1"), TestServers.CREDENTIALS, metrics);
    }

    @AfterEach
    void stop() {
        stores.close();
        s3.close();
    }

    private double requests(String call, String status) {
        var counter = registry.find("compactor.s3.requests")
                .tags("call", call, "status", status)
                .counter();
        return counter == null ? 0 : counter.count();
    }

    @Test
    void a_repeated_request_counts_twice_and_its_body_too() {
        s3.then(status(503, "SlowDown")).then(body(200, Map.of("ETag", "\"e\""), ""));

        var _ = stores.counting(traffic).bucket("bucket").put("key", "12345".getBytes(StandardCharsets.UTF_8));

        assertThat(requests("PutObject", "5xx")).isEqualTo(1);
        assertThat(requests("PutObject", "2xx")).isEqualTo(1);
        assertThat(traffic.requests()).isEqualTo(2);
        assertThat(traffic.sent()).isEqualTo(10);
        assertThat(metrics.s3().requests()).isEqualTo(2);
    }

    @Test
    void an_attempt_without_an_answer_counts_as_one_without_status() {
        s3.then(_ -> {
            throw new IOException("cut off");
        });

        assertThatThrownBy(() -> {
                    var outcome = stores.counting(traffic).bucket("bucket").putIfAbsent("key", new byte[3]);
                    throw new FailureException(
                            dev.chromacompactor.failure.Blame.DEPENDENCY, "s3-unavailable", outcome.toString());
                })
                .isInstanceOf(FailureException.class);

        assertThat(requests("PutObject", "none")).isEqualTo(1);
        assertThat(traffic.requests()).isEqualTo(1);
    }

    @Test
    void bytes_read_are_those_of_bodies_and_a_head_has_none() {
        var object = Map.of("ETag", "\"e\"", "Last-Modified", "Tue, 24 Nov 2026 08:00:00 GMT");
        s3.then(body(200, object, "seven77"));
        assertThat(stores.counting(traffic).bucket("bucket").read("key")).isPresent();
        assertThat(traffic.received()).isEqualTo(7);

        var announced = new HashMap<>(object);
        announced.put("Content-Length", "7");
        s3.then(body(200, announced, ""));
        assertThat(stores.counting(traffic).bucket("bucket").head("key")).isPresent();
        assertThat(traffic.received()).isEqualTo(7);
        assertThat(traffic.requests()).isEqualTo(2);
    }

    @Test
    void what_others_do_meanwhile_counts_for_all_but_not_for_this_traffic() {
        s3.then(body(200, Map.of("ETag", "\"e\""), ""));

        var _ = stores.bucket("bucket").put("key", new byte[1]);

        assertThat(traffic.requests()).isZero();
        assertThat(metrics.s3().requests()).isEqualTo(1);
    }
}
