package dev.chromacompactor.upkeep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.snapshot.Keep;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import dev.chromacompactor.telemetry.Metrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class UpkeepTest {
    private static final Duration MINUTES = Duration.ofMinutes(5);
    private static final Duration HOUR = Duration.ofHours(1);

    private Instant now = Instant.parse("2026-11-24T08:00:00Z");
    private boolean idle = true;
    private final MemoryObjectStore store = new MemoryObjectStore("bucket", () -> now);
    private final List<String> sent = new ArrayList<>();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Upkeep upkeep = new Upkeep(
            store,
            sent::addAll,
            new Upkeep.Settings(MINUTES, HOUR, new Keep(1, Duration.ofDays(1))),
            () -> idle,
            new Metrics(registry, () -> now),
            () -> now,
            new Random(7));

    private void batch(String database) {
        var delta = new Plan.Delta(null, database + "/delta/a/", "etag", 100, null, null);
        new Plans(store).create(Plan.enqueued("b-" + database, database, Policy.PUBLISH, List.of(List.of(delta))));
        new OpenBatches(store, database).open("b-" + database);
    }

    private void turn(Duration later) {
        now = now.plus(later);
        upkeep.turn();
    }

    @Test
    void every_database_is_swept_by_a_worker_that_has_nothing_to_do() {
        batch("words");
        batch("images");
        idle = false;
        turn(HOUR);
        assertThat(sent).isEmpty();

        idle = true;
        turn(Duration.ZERO);

        assertThat(sent)
                .hasSize(2)
                .anyMatch(body -> body.contains("b-words"))
                .anyMatch(body -> body.contains("b-images"));
        assertThat(registry.scrape())
                .contains("compactor_swept_batches_total{database=\"words\"} 1.0")
                .contains("compactor_swept_messages_total{database=\"images\"} 1.0");
    }

    @Test
    void what_is_paused_is_left_alone() {
        batch("words");
        batch("images");
        var pauses = new Pauses(store, () -> now);
        pause(pauses, null);
        turn(HOUR);
        assertThat(sent).isEmpty();

        pauses.remove(null);
        pause(pauses, "words");
        turn(Duration.ZERO);
        assertThat(sent).singleElement().asString().contains("b-images");
    }

    private void pause(Pauses pauses, @Nullable String database) {
        pauses.write(database, new Pause("a move", null, now, null));
    }

    @Test
    void what_fails_for_one_database_is_counted_and_stops_nobody() {
        batch("images");
        batch("words");
        store.fail(call -> call.kind() == Kind.LIST && call.key().equals("images/open/"), Fault.SLOW_DOWN);
        turn(HOUR);

        assertThat(sent).singleElement().asString().contains("b-words");
        assertThat(registry.scrape())
                .contains("compactor_upkeep_failures_total{blame=\"dependency\",reason=\"s3-throttled\"} 1.0");

        turn(MINUTES);
        assertThat(sent).hasSize(2);
    }

    @Test
    void what_nobody_foresaw_does_not_end_it() {
        batch("words");
        store.onCall(_ -> {
            throw new IllegalStateException("nobody foresaw this");
        });
        turn(HOUR);
        store.onCall(_ -> {});
        turn(MINUTES);

        assertThat(sent).hasSize(1);
        assertThat(registry.scrape()).contains("reason=\"unexpected-error\"} 1.0");
    }

    @Test
    void leftovers_are_looked_for_about_once_in_twelve_turns() {
        var looked = new ArrayList<Instant>();
        store.onCall(call -> {
            if (call.kind() == Kind.LIST && call.key().equals("attempts/")) {
                looked.add(now);
            }
        });
        for (int turn = 0; turn < 24 * 12; turn++) {
            turn(MINUTES);
        }

        assertThat(looked).hasSizeBetween(16, 40);
    }

    @Test
    void marks_that_went_are_counted_by_kind() {
        store.put("attempts/old/2", new byte[5]);
        turn(Duration.ofDays(29));

        assertThat(store.list("attempts/")).isEmpty();
        assertThat(registry.scrape())
                .contains("compactor_collected_objects_total{subject=\"mark\"} 1.0")
                .contains("compactor_collected_bytes_total{subject=\"mark\"} 5.0");
    }

    @Test
    void nothing_is_begun_after_the_end() {
        batch("words");
        upkeep.close();
        turn(HOUR);

        assertThat(sent).isEmpty();
    }
}
