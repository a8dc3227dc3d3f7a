package dev.chromacompactor.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import io.micrometer.core.instrument.MockClock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EmfRegistryTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private final MockClock clock = new MockClock();
    private final List<String> written = new ArrayList<>();
    private final EmfRegistry registry = new EmfRegistry(MINUTE, clock, written::add);
    private final Metrics metrics = new Metrics(registry, InstantSource.system());

    @AfterEach
    void stop() {
        registry.close();
    }

    private List<JsonNode> lines() {
        written.clear();
        var _ = clock.add(MINUTE);
        registry.publish();
        return written.stream()
                .map(line -> {
                    assertThat(line).doesNotContain("\n");
                    try {
                        return new JsonMapper().readTree(line);
                    } catch (JsonProcessingException e) {
                        throw new AssertionError(line, e);
                    }
                })
                .toList();
    }

    private JsonNode lineWith(String metric) {
        return lines().stream().filter(line -> line.has(metric)).findFirst().orElseThrow();
    }

    @Test
    void a_line_has_what_the_format_asks_for() {
        metrics.settled(
                Settled.DEAD_LETTER,
                "process_chunk",
                new Failure(Blame.INPUT, "sqlite-corrupt", "read"),
                Duration.ofSeconds(2));

        var line = lineWith("compactor_messages_settled_total");

        var aws = line.get("_aws");
        assertThat(aws.get("Timestamp").asLong()).isEqualTo(clock.wallTime());
        var directive = aws.get("CloudWatchMetrics").get(0);
        assertThat(directive.get("Namespace").asText()).isEqualTo("ChromaCompactor");
        assertThat(directive.get("Dimensions").toString())
                .isEqualTo("[[],[\"blame\"],[\"job\"],[\"outcome\"],[\"reason\"]]");
        assertThat(directive.get("Metrics").toString())
                .isEqualTo("[{\"Name\":\"compactor_messages_settled_total\",\"Unit\":\"Count\"}]");
        assertThat(line.get("compactor_messages_settled_total").asDouble()).isEqualTo(1);
        assertThat(line.get("reason").asText()).isEqualTo("sqlite-corrupt");
        // Every dimension and every metric that the directive names is a member of the line.
        directive
                .get("Dimensions")
                .forEach(set ->
                        set.forEach(name -> assertThat(line.has(name.asText())).isTrue()));
    }

    @Test
    void a_counter_says_what_it_grew_by_and_nothing_when_it_stood_still() {
        metrics.polled(7);
        assertThat(lineWith("compactor_messages_received_total")
                        .get("compactor_messages_received_total")
                        .asDouble())
                .isEqualTo(7);

        metrics.polled(2);
        assertThat(lineWith("compactor_messages_received_total")
                        .get("compactor_messages_received_total")
                        .asDouble())
                .isEqualTo(2);

        assertThat(lines()).noneMatch(line -> line.has("compactor_messages_received_total"));
    }

    @Test
    void a_timer_is_count_sum_and_maximum_in_seconds() {
        metrics.unlockWaited(Duration.ofMillis(500));
        metrics.unlockWaited(Duration.ofMillis(1500));

        var line = lineWith("compactor_unlock_wait_seconds_sum");

        assertThat(line.get("compactor_unlock_wait_seconds_sum").asDouble()).isEqualTo(2);
        assertThat(line.get("compactor_unlock_wait_seconds_count").asDouble()).isEqualTo(2);
        assertThat(line.get("compactor_unlock_wait_seconds_max").asDouble()).isEqualTo(1.5);
        assertThat(line.at("/_aws/CloudWatchMetrics/0/Metrics").toString())
                .contains("{\"Name\":\"compactor_unlock_wait_seconds_sum\",\"Unit\":\"Seconds\"}");
    }

    @Test
    void gauges_are_always_there_in_their_units_and_unknown_ones_are_not() {
        metrics.scratch(() -> 0);
        metrics.slots(4, () -> 3);
        metrics.lastPoll(InstantSource.system()::instant);

        var line = lineWith("compactor_slots");

        assertThat(line.get("compactor_scratch_bytes").asDouble()).isZero();
        assertThat(line.get("compactor_slots_busy").asDouble()).isEqualTo(3);
        assertThat(line.at("/_aws/CloudWatchMetrics/0/Metrics").toString())
                .contains("{\"Name\":\"compactor_scratch_bytes\",\"Unit\":\"Bytes\"}")
                .contains("{\"Name\":\"compactor_poll_age_seconds\",\"Unit\":\"Seconds\"}");
        assertThat(line.has("compactor_dead_letters")).isFalse();
    }

    @Test
    void the_last_interval_is_written_when_it_ends_early() {
        metrics.polled(1);
        written.clear();

        registry.close();

        assertThat(written).anyMatch(line -> line.contains("compactor_messages_received_total"));
    }
}
