package dev.chromacompactor.job;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Milliseconds by step, for receipts and manifests. */
final class Timings {
    private final Map<String, Long> millis = new LinkedHashMap<>();

    static Timings start() {
        return new Timings();
    }

    Timings add(String step, long nanos) {
        millis.merge(step, TimeUnit.NANOSECONDS.toMillis(nanos), Long::sum);
        return this;
    }

    Map<String, Long> millis() {
        return Map.copyOf(millis);
    }
}
