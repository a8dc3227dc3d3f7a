package dev.chromacompactor.queue;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Exponential backoff with full jitter: uniformly between nothing and {@code first} × 2^(failures − 1), at most
 * {@code longest}.
 */
record Backoff(Duration first, Duration longest, RandomGenerator random) {
    private static final int MOST_DOUBLINGS = 20;

    /**
     * @param failures how often it failed, at least 1
     * @param ceiling what SQS still allows
     * @return whole seconds, at least one unless the ceiling is lower
     */
    Duration after(int failures, Duration ceiling) {
        var doubled = first.multipliedBy(1L << Math.clamp(failures - 1L, 0, MOST_DOUBLINGS));
        var bound = doubled.compareTo(longest) < 0 ? doubled : longest;
        long seconds = Math.ceilDiv(random.nextLong(1, bound.toMillis() + 1), 1000);
        return Duration.ofSeconds(Math.min(seconds, ceiling.toSeconds()));
    }
}
