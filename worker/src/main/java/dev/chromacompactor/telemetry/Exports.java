package dev.chromacompactor.telemetry;

import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.micrometer.registry.otlp.OtlpConfig;
import io.micrometer.registry.otlp.OtlpMeterRegistry;
import java.io.PrintStream;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where metrics go: for Prometheus to fetch, as lines for CloudWatch, to an OpenTelemetry collector; any of them, or none.
 * Closing sends what is not sent yet.
 */
public final class Exports implements AutoCloseable {
    /**
     * @param prometheus whether somebody may fetch {@link #prometheus()}
     * @param emf whether to write lines for CloudWatch
     * @param otlp base of an OpenTelemetry collector, such as {@code http://collector:4318}; null: none
     * @param interval of lines and of sending
     */
    public record Settings(
            boolean prometheus, boolean emf, @Nullable URI otlp, Duration interval) {}

    private final CompositeMeterRegistry all = new CompositeMeterRegistry();
    private final @Nullable PrometheusMeterRegistry prometheus;

    /**
     * @param resource what an OpenTelemetry collector is told about this process, by OpenTelemetry's names
     * @param out where lines for CloudWatch go
     */
    public Exports(Settings settings, Map<String, String> resource, PrintStream out) {
        prometheus = settings.prometheus() ? new PrometheusMeterRegistry(PrometheusConfig.DEFAULT) : null;
        if (prometheus != null) {
            all.add(prometheus);
        }
        if (settings.emf()) {
            // One call for a line and its end: nothing gets between them.
            all.add(new EmfRegistry(settings.interval(), Clock.SYSTEM, line -> out.print(line + "\n")));
        }
        URI collector = settings.otlp();
        if (collector != null) {
            all.add(otlp(collector, settings.interval(), resource));
        }
    }

    public MeterRegistry registry() {
        return all;
    }

    /** In Prometheus' text format; empty if that was not asked for. */
    public String prometheus() {
        return prometheus == null ? "" : prometheus.scrape();
    }

    @Override
    public void close() {
        all.close();
    }

    /** Headers and further resource attributes come from {@code OTEL_EXPORTER_OTLP_HEADERS}, {@code OTEL_RESOURCE_ATTRIBUTES}. */
    private static MeterRegistry otlp(URI collector, Duration interval, Map<String, String> resource) {
        var text = collector.toString();
        var url = text.endsWith("/") ? text + "v1/metrics" : text + "/v1/metrics";
        return OtlpMeterRegistry.builder(new OtlpConfig() {
                    @Override
                    public @Nullable String get(String key) {
                        return null;
                    }

                    @Override
                    public String url() {
                        return url;
                    }

                    @Override
                    public Duration step() {
                        return interval;
                    }

                    @Override
                    public Map<String, String> resourceAttributes() {
                        var attributes = new HashMap<>(OtlpConfig.super.resourceAttributes());
                        attributes.putIfAbsent("service.name", "chroma-compactor");
                        attributes.putAll(resource);
                        return attributes;
                    }
                })
                .threadFactory(Thread.ofPlatform().daemon().name("otlp").factory())
                .build();
    }
}
