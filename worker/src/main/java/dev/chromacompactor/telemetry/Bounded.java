package dev.chromacompactor.telemetry;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Keeps the values of a label few: the first so many stand for themselves, the rest are {@value #OTHER}. */
final class Bounded {
    static final String OTHER = "other";
    /** For what is absent: Prometheus has no null. */
    static final String NONE = "none";

    private final int most;
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    Bounded(int most) {
        this.most = most;
    }

    String of(@Nullable String value) {
        if (value == null || value.isEmpty()) {
            return NONE;
        }
        if (seen.contains(value)) {
            return value;
        }
        // Two threads may let in one more each: a bound, not a budget.
        if (seen.size() >= most) {
            return OTHER;
        }
        seen.add(value);
        return value;
    }
}
