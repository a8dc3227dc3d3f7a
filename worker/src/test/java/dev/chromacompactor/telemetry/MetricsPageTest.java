package dev.chromacompactor.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** {@code docs/metrics.md} says what there is, all of it and nothing else. */
class MetricsPageTest {
    private static final Path PAGE = Path.of("../docs/metrics.md");
    private static final Pattern ROW = Pattern.compile("\\| `(compactor_[a-z0-9_]+)` \\|(.*)\\|(.*)\\|(.*)\\|(.*)\\|");
    private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Metrics metrics = new Metrics(registry, InstantSource.fixed(NOW));

    private record Row(String name, String kind, String unit, List<String> labels, String what) {}

    private static List<Row> page() throws IOException {
        return Files.readAllLines(PAGE).stream()
                .map(ROW::matcher)
                .filter(row -> row.matches())
                .map(row -> new Row(
                        row.group(1),
                        row.group(2).strip(),
                        row.group(3).strip(),
                        row.group(4).strip().equals("none")
                                ? List.of()
                                : List.of(row.group(4).strip().replace("`", "").split(", ")),
                        row.group(5).strip()))
                .toList();
    }

    private void everythingHappens() {
        var failure = new Failure(Blame.INPUT, "sqlite-corrupt", "read a delta");
        metrics.polled(3);
        metrics.pollFailed("sqs-unavailable");
        metrics.lastPoll(() -> NOW);
        metrics.settled(Settled.DEAD_LETTER, "process_chunk", failure, Duration.ofSeconds(1));
        metrics.heartbeatFailed("sqs-unavailable");
        metrics.leaseLost();
        metrics.baseFetched(true);
        metrics.slots(4, () -> 1);
        metrics.waitingForRoom(() -> 1);
        metrics.paused(() -> false);
        metrics.healthy(() -> true);
        metrics.chunksDone(1);
        metrics.chunksFailed(1, failure);
        metrics.chunksGivenUp(1);
        metrics.unlockWaited(Duration.ZERO);
        metrics.validated(Metrics.Subject.DELTA, Duration.ofMillis(5));
        metrics.published("words", Duration.ofSeconds(2), new Traffic());
        metrics.publishLost("words");
        metrics.s3Request("PutObject", 200, 5, 0);
        metrics.queues(1, 2, 0, 0);
        metrics.backlog(Map.of("words", new Backlog(1, 2, 0, NOW.minusSeconds(60))));
        metrics.swept("words", 2);
        metrics.collected("intermediate", 3, 5);
        metrics.upkeepFailed(failure);
        metrics.scratch(() -> 1);
        metrics.filesOpen(() -> 1);
        metrics.protectionCalled(true);
    }

    @Test
    void the_page_names_every_metric_with_its_kind_and_labels_and_no_other() throws IOException {
        var metrics = List.of(Metric.values()).iterator();
        assertThat(page()).hasSameSizeAs(Metric.values());
        for (var row : page()) {
            var metric = metrics.next();
            assertThat(row.kind())
                    .as(row.name())
                    .isEqualToIgnoringCase(metric.kind().name());
            assertThat(row.labels()).as(row.name()).isEqualTo(metric.labels());
            assertThat(row.what()).as(row.name()).isEqualTo(metric.description());
            var unit = metric.kind() == Metric.Kind.TIMER ? "seconds" : metric.unit();
            assertThat(row.unit()).as(row.name()).isEqualTo(unit == null ? "number" : unit);
        }
    }

    @Test
    void what_prometheus_fetches_are_the_names_and_labels_of_the_page() throws IOException {
        everythingHappens();

        var samples = registry.scrape()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .collect(Collectors.groupingBy(
                        line -> line.replaceAll("[{ ].*", "").replaceAll("_(count|sum|max)$", ""),
                        Collectors.flatMapping(
                                line -> Pattern.compile("(\\w+)=\"")
                                        .matcher(line)
                                        .results()
                                        .map(r -> r.group(1)),
                                Collectors.toCollection(TreeSet::new))));

        assertThat(samples.keySet())
                .containsExactlyInAnyOrderElementsOf(
                        page().stream().map(Row::name).toList());
        for (var row : page()) {
            assertThat(samples.get(row.name())).as(row.name()).containsExactlyInAnyOrderElementsOf(row.labels());
        }
    }

    @Test
    void ages_and_backlogs_are_what_was_measured() {
        everythingHappens();

        assertThat(registry.scrape())
                .contains("compactor_oldest_delta_age_seconds{database=\"words\"} 60.0")
                .contains("compactor_backlog_chunks{database=\"words\"} 2.0")
                .contains("compactor_backlog_messages 3.0");

        metrics.backlog(Map.of());

        assertThat(registry.scrape())
                .contains("compactor_oldest_delta_age_seconds{database=\"words\"} 0.0")
                .contains("compactor_backlog_chunks{database=\"words\"} 0.0");
    }

    @Test
    void labels_are_bounded_whatever_messages_say() {
        for (int i = 0; i < 1000; i++) {
            metrics.publishLost("database-" + i);
            metrics.settled(Settled.RETRY, "operation-" + i, null, Duration.ZERO);
            metrics.pollFailed("reason-" + i);
        }

        var lines = registry.scrape().lines().toList();
        assertThat(lines.stream().filter(line -> line.startsWith("compactor_publishes_total")))
                .hasSize(101)
                .anyMatch(line -> line.contains("database=\"other\"") && line.endsWith(" 900.0"));
        assertThat(lines.stream().filter(line -> line.startsWith("compactor_messages_settled_total")))
                .singleElement()
                .asString()
                .contains("job=\"other\"")
                .endsWith(" 1000.0");
        assertThat(lines.stream().filter(line -> line.startsWith("compactor_polls_total")))
                .hasSize(301);
    }

    @Test
    void who_asks_for_no_numbers_pays_for_none() {
        var none = Metrics.none();
        none.polled(1);
        none.backlog(Map.of("words", new Backlog(1, 1, 0, null)));
        none.published("words", Duration.ZERO, new Traffic());
        none.slots(1, () -> 1);
        none.waitingForRoom(() -> 1);

        assertThat(Arrays.stream(Metric.values()).map(Metric::id)).doesNotHaveDuplicates();
    }
}
