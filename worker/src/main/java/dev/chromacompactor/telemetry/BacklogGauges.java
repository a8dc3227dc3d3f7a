package dev.chromacompactor.telemetry;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** A gauge for each database that waits for something; ages go on growing between two measurements. */
final class BacklogGauges {
    private final InstantSource clock;
    private final Bounded databases;
    private final MultiGauge batches;
    private final MultiGauge chunks;
    private final MultiGauge excused;
    private final MultiGauge age;
    private volatile @Nullable Instant shownAt;
    /** Shown before, so that a database that waits no more says 0 instead of vanishing. */
    private final Map<String, Backlog> shown = new HashMap<>();

    BacklogGauges(MeterRegistry registry, InstantSource clock, Bounded databases) {
        this.clock = clock;
        this.databases = databases;
        this.batches = gauge(registry, Metric.BACKLOG_BATCHES);
        this.chunks = gauge(registry, Metric.BACKLOG_CHUNKS);
        this.excused = gauge(registry, Metric.BACKLOG_EXCUSED);
        this.age = gauge(registry, Metric.OLDEST_DELTA_AGE);
    }

    synchronized void show(Map<String, Backlog> byDatabase) {
        shown.replaceAll((_, _) -> new Backlog(0, 0, 0, null));
        new TreeMap<>(byDatabase)
                .forEach((database, backlog) -> shown.merge(databases.of(database), backlog, BacklogGauges::both));
        batches.register(rows(Backlog::batches), true);
        chunks.register(rows(Backlog::chunks), true);
        excused.register(rows(Backlog::excused), true);
        age.register(rows(this::age), true);
        shownAt = clock.instant();
    }

    synchronized int total() {
        return shown.values().stream().mapToInt(Backlog::chunks).sum();
    }

    @Nullable
    Instant shownAt() {
        return shownAt;
    }

    private double age(Backlog backlog) {
        return backlog.oldestDelta() == null
                ? 0
                : Math.max(
                        0,
                        Duration.between(backlog.oldestDelta(), clock.instant()).toMillis() / 1000.0);
    }

    private static Backlog both(Backlog a, Backlog b) {
        return new Backlog(
                a.batches() + b.batches(),
                a.chunks() + b.chunks(),
                a.excused() + b.excused(),
                earlier(a.oldestDelta(), b.oldestDelta()));
    }

    private static @Nullable Instant earlier(@Nullable Instant a, @Nullable Instant b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.isBefore(b) ? a : b;
    }

    private List<MultiGauge.Row<?>> rows(ToDoubleFunction<Backlog> value) {
        var rows = new ArrayList<MultiGauge.Row<?>>();
        shown.forEach(
                (database, backlog) -> rows.add(MultiGauge.Row.of(Tags.of(Keys.DATABASE, database), backlog, value)));
        return rows;
    }

    private static MultiGauge gauge(MeterRegistry registry, Metric metric) {
        return MultiGauge.builder(metric.id())
                .description(metric.description())
                .baseUnit(metric.unit())
                .register(registry);
    }
}
