package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackoffTest {
    private static final Duration NO_CEILING = Duration.ofHours(12);

    private final Backoff backoff = new Backoff(Duration.ofSeconds(16), Duration.ofMinutes(5), new Random(7));

    @ParameterizedTest
    @CsvSource({"1,16", "2,32", "3,64", "5,256", "6,300", "1000000,300"})
    void is_uniform_up_to_a_bound_that_doubles_until_the_longest(int failures, long bound) {
        var draws = IntStream.range(0, 10_000)
                .mapToLong(i -> backoff.after(failures, NO_CEILING).toSeconds())
                .summaryStatistics();

        assertThat(draws.getMin()).isEqualTo(1);
        assertThat(draws.getMax()).isEqualTo(bound);
        // Whole seconds, rounded up: half a second more than the half of the bound.
        assertThat(draws.getAverage()).isBetween(bound * 0.48 + 0.5, bound * 0.52 + 0.5);
    }

    @Test
    void never_goes_beyond_what_SQS_still_allows() {
        for (int i = 0; i < 1000; i++) {
            assertThat(backoff.after(9, Duration.ofSeconds(7))).isLessThanOrEqualTo(Duration.ofSeconds(7));
        }
        assertThat(backoff.after(9, Duration.ZERO)).isZero();
    }

    @Test
    void spreads_a_storm_of_messages() {
        var buckets = new HashMap<Long, Integer>();
        for (int i = 0; i < 1000; i++) {
            buckets.merge(backoff.after(9, NO_CEILING).toSeconds() / 10, 1, Integer::sum);
        }

        assertThat(buckets.values()).allMatch(count -> count < 3 * 1000 / 30);
    }
}
