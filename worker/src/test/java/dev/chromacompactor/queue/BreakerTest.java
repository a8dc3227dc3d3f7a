package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class BreakerTest {
    private final Breaker breaker = new Breaker();
    private Instant now = Instant.parse("2026-11-24T00:00:00Z");

    private void fail(Blame blame) {
        breaker.failed(blame, now, now);
    }

    @Test
    void four_failures_of_others_in_a_row_are_no_reason_to_stop() {
        for (int i = 0; i < 4; i++) {
            fail(Blame.DEPENDENCY);
        }
        assertThat(breaker.untilNextPoll(now)).isZero();
        breaker.succeeded();
        for (int i = 0; i < 4; i++) {
            fail(Blame.DEPENDENCY);
        }
        assertThat(breaker.isOpen()).isFalse();
    }

    @Test
    void the_fifth_is_and_each_probe_that_fails_doubles_the_pause_up_to_half_a_minute() {
        for (int i = 0; i < 5; i++) {
            fail(Blame.DEPENDENCY);
        }
        var pauses = new ArrayList<Double>();
        for (int probe = 0; probe < 9; probe++) {
            var pause = breaker.untilNextPoll(now);
            pauses.add(pause.toMillis() / 1000.0);
            now = now.plus(pause);
            assertThat(breaker.untilNextPoll(now)).isZero();
            breaker.probed(now);
            fail(Blame.DEPENDENCY);
        }
        assertThat(pauses).containsExactly(0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0);
    }

    @Test
    void jobs_that_were_under_way_when_it_opened_do_not_make_it_longer() {
        var before = now;
        now = now.plusSeconds(1);
        for (int i = 0; i < 50; i++) {
            breaker.failed(Blame.DEPENDENCY, before, now);
        }
        assertThat(breaker.untilNextPoll(now)).isEqualTo(Duration.ofMillis(500));
    }

    @Test
    void one_probe_at_a_time_and_another_when_it_takes_long() {
        fail(Blame.NODE);
        now = now.plusMillis(500);
        breaker.probed(now);

        assertThat(breaker.untilNextPoll(now)).isEqualTo(Duration.ofMillis(500));
        now = now.plusMillis(500);
        assertThat(breaker.untilNextPoll(now)).isZero();
    }

    @Test
    void a_machine_that_cannot_work_stops_at_once_and_one_job_that_ends_well_closes_it() {
        fail(Blame.NODE);
        assertThat(breaker.isOpen()).isTrue();
        assertThat(breaker.nodeFailuresInARow()).isEqualTo(1);

        breaker.succeeded();
        assertThat(breaker.isOpen()).isFalse();
        assertThat(breaker.untilNextPoll(now)).isZero();
        assertThat(breaker.nodeFailuresInARow()).isZero();
    }
}
