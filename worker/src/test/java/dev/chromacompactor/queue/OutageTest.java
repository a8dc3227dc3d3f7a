package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.job.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Half an hour without S3, on a simulated clock. */
@Timeout(120)
class OutageTest {
    private static final int MESSAGES = 12_000;
    private static final Duration FIRST = Duration.ofSeconds(10);
    private static final Duration LAST = FIRST.plusMinutes(30);
    /** What a job takes, and how long one waits for S3 in vain. */
    private static final Duration JOB = Duration.ofMillis(10);

    private static final Duration IN_VAIN = Duration.ofSeconds(3);

    private final Simulation simulation = new Simulation();
    private final List<Duration> done = new ArrayList<>();
    private int begunInOutage;

    private boolean outage() {
        var now = simulation.elapsed();
        return now.compareTo(FIRST) >= 0 && now.compareTo(LAST) < 0;
    }

    private Outcome job() {
        simulation.marks.outage = outage();
        if (outage()) {
            begunInOutage++;
            simulation.time.advance(IN_VAIN);
            return new Outcome.RetryLater(new Failure(Blame.DEPENDENCY, "s3-unreachable", "no S3"));
        }
        simulation.time.advance(JOB);
        done.add(simulation.elapsed());
        return new Outcome.Done("folded");
    }

    @Test
    void buries_nothing_opens_the_breaker_and_is_at_full_speed_within_a_minute_after() {
        var worker = simulation.worker(5, delivery -> job());
        for (int i = 0; i < MESSAGES; i++) {
            simulation.send("{\"n\":" + i + "}");
        }

        simulation.run(worker, () -> simulation.elapsed().compareTo(LAST.minusMinutes(5)) > 0);
        assertThat(worker.health().breakerOpen()).isTrue();
        simulation.run(worker, simulation::empty);

        assertThat(simulation.sqs.messages("work-dlq")).isZero();
        assertThat(done).hasSize(MESSAGES);
        // A probe in half a minute, not twelve thousand messages over and over.
        assertThat(begunInOutage).isLessThan(100);
        var first =
                done.stream().filter(at -> at.compareTo(LAST) >= 0).findFirst().orElseThrow();
        assertThat(first.minus(LAST)).isLessThan(Duration.ofSeconds(40));
        var inTheMinuteAfter = done.stream()
                .filter(at -> at.compareTo(LAST) >= 0 && at.compareTo(LAST.plusMinutes(1)) < 0)
                .count();
        assertThat(inTheMinuteAfter).isGreaterThan(1500);
        assertThat(worker.health().breakerOpen()).isFalse();
        assertThat(simulation.marks.count()).isZero();
    }
}
