package dev.chromacompactor.ecs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.telemetry.Metrics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProtectionTest {
    private static final Duration HALF_HOUR = Duration.ofMinutes(30);
    private static final Duration PATIENCE = Duration.ofMillis(300);
    private static final String ON =
            "PUT /api/x/task-protection/v1/state {\"ProtectionEnabled\":true,\"ExpiresInMinutes\":30}";
    private static final String OFF = "PUT /api/x/task-protection/v1/state {\"ProtectionEnabled\":false}";

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private Instant now = Instant.parse("2026-11-24T12:00:00Z");
    private Agent agent;
    private Protection protection;

    @BeforeEach
    void start() throws IOException {
        agent = new Agent();
        protection = protection(agent.uri());
    }

    @AfterEach
    void stop() {
        protection.close();
        agent.close();
    }

    private Protection protection(URI uri) {
        return new Protection(uri, HALF_HOUR, PATIENCE, () -> now, new Metrics(registry, InstantSource.system()));
    }

    /** Everything that is due now, as the thread would. */
    private Duration settle() throws InterruptedException {
        while (true) {
            var rest = protection.callIfDue();
            if (!rest.isZero()) {
                return rest;
            }
        }
    }

    private void pass(Duration time) throws InterruptedException {
        now = now.plus(time);
        var _ = settle();
    }

    private double calls(String outcome) {
        var counter = registry.find("compactor.protection.calls")
                .tag("outcome", outcome)
                .counter();
        return counter == null ? 0 : counter.count();
    }

    @Test
    void an_idle_worker_calls_nobody() throws Exception {
        for (int hour = 0; hour < 10; hour++) {
            pass(Duration.ofHours(1));
        }
        assertThat(agent.asked()).isEmpty();
    }

    @Test
    void a_thousand_jobs_without_a_pause_between_them_are_two_calls() throws Exception {
        for (int job = 0; job < 1000; job++) {
            try (var _ = protection.job()) {
                var _ = settle();
            }
            pass(Duration.ofMillis(100));
        }
        assertThat(agent.asked()).containsExactly(ON);

        pass(Protection.LINGER);

        assertThat(agent.asked()).containsExactly(ON, OFF);
        pass(Duration.ofHours(2));
        assertThat(agent.asked()).hasSize(2);
        assertThat(calls("done")).isEqualTo(2);
    }

    @Test
    void it_lasts_until_the_last_of_several_jobs_has_ended() throws Exception {
        var first = protection.job();
        var second = protection.job();
        var _ = settle();
        first.close();
        pass(Duration.ofMinutes(1));
        assertThat(agent.asked()).containsExactly(ON);

        second.close();
        pass(Protection.LINGER.minusSeconds(1));
        assertThat(agent.asked()).containsExactly(ON);
        pass(Duration.ofSeconds(1));

        assertThat(agent.asked()).containsExactly(ON, OFF);
    }

    @Test
    void a_long_job_renews_it_at_half_of_its_expiry() throws Exception {
        try (var _ = protection.job()) {
            assertThat(settle()).isEqualTo(Duration.ofMinutes(15));
            for (int quarter = 0; quarter < 4; quarter++) {
                pass(Duration.ofMinutes(15));
            }
        }
        assertThat(agent.asked()).hasSize(5).containsOnly(ON);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | {\"error\":{\"Code\":\"InvalidParameterException\"}}",
                "500 | oops",
                "200 | {\"failure\":{\"Reason\":\"DEPLOYMENT_BLOCKED\"}}",
                "200 | not JSON"
            })
    void a_refusal_is_tried_again_with_growing_pauses_and_hurts_nobody(int status, String answer) throws Exception {
        agent.answers(status, answer);
        try (var _ = protection.job()) {
            assertThat(settle()).isEqualTo(Protection.FIRST_PAUSE);
            pass(Protection.FIRST_PAUSE.minusSeconds(1));
            assertThat(agent.asked()).hasSize(1);
            now = now.plusSeconds(1);
            assertThat(settle()).isEqualTo(Protection.FIRST_PAUSE.multipliedBy(2));
            assertThat(calls("failed")).isEqualTo(2);

            agent.answers(200, "{\"protection\":{}}");
            pass(Protection.FIRST_PAUSE.multipliedBy(2));
        }
        assertThat(agent.asked()).hasSize(3);
        assertThat(calls("done")).isEqualTo(1);
    }

    @Test
    void a_renewal_that_fails_is_tried_again_long_before_the_protection_ends() throws Exception {
        try (var _ = protection.job()) {
            var _ = settle();
            agent.answers(500, "");
            pass(Duration.ofMinutes(15));
            agent.answers(200, "{\"protection\":{}}");
            pass(Protection.FIRST_PAUSE);
            assertThat(agent.asked()).hasSize(3).containsOnly(ON);
        }
    }

    @Test
    void an_agent_that_is_down_is_a_call_that_failed() throws Exception {
        agent.close();
        try (var _ = protection.job()) {
            assertThat(settle()).isEqualTo(Protection.FIRST_PAUSE);
        }
        assertThat(calls("failed")).isEqualTo(1);
    }

    @Test
    void an_agent_that_never_answers_costs_the_calling_thread_its_patience_and_a_job_nothing() throws Exception {
        agent.hangs(true);
        protection.start();
        long begun = System.nanoTime();
        for (int job = 0; job < 1000; job++) {
            protection.job().close();
        }
        var running = protection.job();
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(PATIENCE);

        await().until(() -> calls("failed") >= 1);

        running.close();
        assertThat(agent.asked()).hasSize(1);
    }

    @Test
    void the_thread_calls_by_itself_when_a_job_begins() {
        protection.start();
        try (var _ = protection.job()) {
            await().until(() -> agent.asked().equals(java.util.List.of(ON)));
        }
    }

    @Test
    void outside_of_ecs_there_is_none_and_its_expiry_outlasts_the_visibility() throws Exception {
        var metrics = Metrics.none();
        assertThat(Protection.of(Map.of(), HALF_HOUR, () -> now, metrics)).isEmpty();

        try (var long_ = Protection.of(
                        Map.of("ECS_AGENT_URI", agent.uri().toString()), Duration.ofHours(6), () -> now, metrics)
                .orElseThrow()) {
            try (var _ = long_.job()) {
                var _ = long_.callIfDue();
            }
        }
        assertThat(agent.asked()).singleElement().asString().contains("\"ExpiresInMinutes\":720");
    }
}
