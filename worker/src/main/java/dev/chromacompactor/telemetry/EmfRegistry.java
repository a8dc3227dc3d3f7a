package dev.chromacompactor.telemetry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Statistic;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.step.StepMeterRegistry;
import io.micrometer.core.instrument.step.StepRegistryConfig;
import io.micrometer.prometheusmetrics.PrometheusNamingConvention;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes what happened in each interval as lines of CloudWatch's Embedded Metric Format, from which CloudWatch Logs makes
 * metrics by itself: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 *
 * <p>One line for each set of labels. Dimensions are none, and each label alone: sums over everything and sums by one label,
 * not the product of all labels. Counters and timers that stood still are left out. Names are those of Prometheus.
 */
final class EmfRegistry extends StepMeterRegistry {
    static final String NAMESPACE = "ChromaCompactor";

    /** CloudWatch takes no more in one line. */
    private static final int MOST_IN_A_LINE = 100;

    private static final JsonMapper JSON = new JsonMapper();

    private final Consumer<String> line;

    /** @param line takes one line, without its end; called from one thread at a time */
    EmfRegistry(Duration interval, Clock clock, Consumer<String> line) {
        super(every(interval), clock);
        this.line = line;
        config().namingConvention(new PrometheusNamingConvention());
        start(Thread.ofPlatform().daemon().name("emf").factory());
    }

    private static StepRegistryConfig every(Duration interval) {
        return new StepRegistryConfig() {
            @Override
            public String prefix() {
                return "emf";
            }

            @Override
            public Duration step() {
                return interval;
            }

            @Override
            public @Nullable String get(String key) {
                return null;
            }
        };
    }

    @Override
    protected TimeUnit getBaseTimeUnit() {
        return TimeUnit.SECONDS;
    }

    @Override
    protected void publish() {
        long now = clock.wallTime();
        Map<List<Tag>, Line> lines = new LinkedHashMap<>();
        for (Meter meter : getMeters()) {
            var id = meter.getId();
            meter.measure().forEach(measured -> {
                double value = measured.getValue();
                boolean gauge = id.getType() == Meter.Type.GAUGE;
                if (!Double.isFinite(value) || (value == 0 && !gauge)) {
                    return;
                }
                var tags = id.getConventionTags(config().namingConvention());
                var open = lines.computeIfAbsent(tags, _ -> new Line(tags));
                open.add(name(id, measured.getStatistic()), unit(id, measured.getStatistic()), value);
                if (open.size() == MOST_IN_A_LINE) {
                    line.accept(open.text(now));
                    lines.remove(tags);
                }
            });
        }
        lines.values().forEach(rest -> line.accept(rest.text(now)));
    }

    private String name(Meter.Id id, Statistic statistic) {
        var name = id.getConventionName(config().namingConvention());
        if (id.getType() == Meter.Type.COUNTER) {
            return name + "_total"; // Prometheus appends it when it writes
        }
        if (id.getType() != Meter.Type.TIMER && id.getType() != Meter.Type.DISTRIBUTION_SUMMARY) {
            return name;
        }
        return switch (statistic) {
            case COUNT -> name + "_count";
            case MAX -> name + "_max";
            default -> name + "_sum";
        };
    }

    private static String unit(Meter.Id id, Statistic statistic) {
        if (statistic == Statistic.COUNT) {
            return "bytes".equals(id.getBaseUnit()) && id.getType() == Meter.Type.COUNTER ? "Bytes" : "Count";
        }
        if (id.getType() == Meter.Type.TIMER || "seconds".equals(id.getBaseUnit())) {
            return "Seconds";
        }
        return "bytes".equals(id.getBaseUnit()) ? "Bytes" : "Count";
    }

    /** Everything with the same labels. */
    private static final class Line {
        private final List<Tag> labels;
        private final ObjectNode values = JSON.createObjectNode();
        private final ArrayNode metrics = JSON.createArrayNode();

        Line(List<Tag> labels) {
            this.labels = labels;
        }

        void add(String name, String unit, double value) {
            values.put(name, value);
            metrics.addObject().put("Name", name).put("Unit", unit);
        }

        int size() {
            return metrics.size();
        }

        String text(long now) {
            var root = JSON.createObjectNode();
            var emf = root.putObject("_aws").put("Timestamp", now);
            var directive = emf.putArray("CloudWatchMetrics").addObject().put("Namespace", NAMESPACE);
            var dimensions = directive.putArray("Dimensions");
            var _ = dimensions.addArray();
            for (Tag label : labels) {
                dimensions.addArray().add(label.getKey());
                root.put(label.getKey(), label.getValue());
            }
            directive.set("Metrics", metrics);
            root.setAll(values);
            try {
                return JSON.writeValueAsString(root);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("a tree of strings and numbers is always writable", e);
            }
        }
    }
}
