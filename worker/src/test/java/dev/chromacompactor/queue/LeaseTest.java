package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class LeaseTest {
    private static final Duration VISIBILITY = Duration.ofMinutes(5);

    private final ManualTimer time = new ManualTimer();
    private final Instant begin = time.instant();
    private final List<Duration> beats = new ArrayList<>();
    private Lease.Extension server = (visibility, patience) -> true;
    private final Lease lease = new Lease(
            "m1",
            (visibility, patience) -> {
                beats.add(Duration.between(begin, time.instant()));
                return server.extend(visibility, patience);
            },
            VISIBILITY,
            VISIBILITY,
            time,
            Metrics.none(),
            time);

    private static boolean unavailable(Duration visibility, Duration patience) {
        throw new FailureException(Blame.DEPENDENCY, "sqs-unavailable", "extend");
    }

    @Test
    void beats_at_every_third_of_the_visibility() {
        lease.start();
        time.advance(Duration.ofSeconds(350));

        assertThat(beats).containsExactly(Duration.ofSeconds(100), Duration.ofSeconds(200), Duration.ofSeconds(300));
        assertThat(lease.interruption()).isNull();
    }

    @Test
    void the_first_beat_extends_the_shorter_hold_of_the_receive() {
        var extended = new ArrayList<Duration>();
        var shorter = new Lease(
                "m2",
                (visibility, patience) -> extended.add(visibility),
                Duration.ofSeconds(30),
                VISIBILITY,
                time,
                Metrics.none(),
                time);
        shorter.start();
        time.advance(Duration.ofSeconds(10));
        assertThat(extended).containsExactly(VISIBILITY);
        time.advance(Duration.ofSeconds(99));
        assertThat(extended).hasSize(1);
        time.advance(Duration.ofSeconds(1));
        assertThat(extended).hasSize(2);
    }

    @Test
    void never_beats_after_it_is_settled() {
        lease.start();
        time.advance(Duration.ofSeconds(150));

        assertThat(lease.settle()).isEqualTo(Lease.State.HELD);
        time.advance(Duration.ofHours(1));

        assertThat(beats).hasSize(1);
        assertThat(time.waiting()).isZero();
    }

    @Test
    void settles_once() {
        lease.start();

        assertThat(lease.settle()).isEqualTo(Lease.State.HELD);
        assertThat(lease.settle()).isEqualTo(Lease.State.SETTLED);
    }

    @Test
    void beats_again_at_once_if_the_message_could_not_be_acknowledged() {
        lease.start();
        time.advance(Duration.ofSeconds(150));
        lease.settle();
        time.advance(Duration.ofSeconds(20));
        lease.resume();
        time.advance(Duration.ofSeconds(101));

        assertThat(beats).containsExactly(Duration.ofSeconds(100), Duration.ofSeconds(170), Duration.ofSeconds(270));
        assertThat(lease.settle()).isEqualTo(Lease.State.HELD);
    }

    @Test
    void does_not_come_back_to_life_when_its_time_is_over() {
        lease.start();
        lease.settle();
        time.advance(VISIBILITY);
        lease.resume();

        assertThat(time.waiting()).isZero();
        assertThat(lease.state()).isEqualTo(Lease.State.SETTLED);
    }

    @Test
    void settling_waits_for_a_beat_under_way() throws Exception {
        var underWay = new CountDownLatch(1);
        var answer = new CountDownLatch(1);
        var order = new ArrayList<String>();
        server = (visibility, patience) -> {
            underWay.countDown();
            try {
                answer.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            order.add("extended");
            return true;
        };
        lease.start();
        var beat = Thread.ofVirtual().start(() -> time.advance(Duration.ofSeconds(100)));
        underWay.await();
        var settling = Thread.ofVirtual().start(() -> {
            lease.settle();
            order.add("settled");
        });
        answer.countDown();
        settling.join();
        beat.join();

        assertThat(order).containsExactly("extended", "settled");
        assertThat(time.waiting()).isZero();
    }

    @Test
    void a_failed_beat_is_tried_again_sooner() {
        server = LeaseTest::unavailable;
        lease.start();
        time.advance(Duration.ofSeconds(160));
        server = (visibility, patience) -> true;
        time.advance(Duration.ofSeconds(200));

        assertThat(beats)
                .containsExactly(
                        Duration.ofSeconds(100),
                        Duration.ofSeconds(150),
                        Duration.ofSeconds(200),
                        Duration.ofSeconds(300));
        assertThat(lease.interruption()).isNull();
    }

    @Test
    void goes_on_beating_after_a_beat_that_failed_in_a_way_nobody_foresaw() {
        server = (visibility, patience) -> {
            throw new IncompatibleClassChangeError();
        };
        lease.start();
        time.advance(Duration.ofSeconds(110));
        server = (visibility, patience) -> true;
        time.advance(Duration.ofSeconds(50));

        assertThat(beats).containsExactly(Duration.ofSeconds(100), Duration.ofSeconds(150));
        assertThat(lease.interruption()).isNull();
    }

    @Test
    void the_job_is_stopped_before_a_lease_that_cannot_be_extended_runs_out() {
        server = LeaseTest::unavailable;
        lease.start();
        time.advance(VISIBILITY.minusSeconds(1));

        assertThat(lease.interruption()).contains("lease lost");
        assertThat(lease.settle()).isEqualTo(Lease.State.LOST);
        assertThat(time.waiting()).isZero();
    }

    @Test
    void a_call_never_takes_longer_than_the_lease() {
        var patience = new AtomicReference<Duration>();
        server = (visibility, wait) -> {
            patience.set(wait);
            return unavailable(visibility, wait);
        };
        lease.start();
        time.advance(VISIBILITY);

        assertThat(beats.getLast().plus(patience.get())).isLessThanOrEqualTo(VISIBILITY);
    }

    @Test
    void a_handle_that_is_no_longer_good_stops_the_job() {
        server = (visibility, patience) -> false;
        lease.start();
        var stopped = lease.run(() -> {
            time.advance(Duration.ofSeconds(100));
            return Thread.currentThread().isInterrupted();
        });

        assertThat(stopped).isTrue();
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(lease.settle()).isEqualTo(Lease.State.LOST);
    }

    @Test
    void a_machine_that_slept_too_long_has_lost_the_lease() {
        lease.start();
        time.sleepThrough(VISIBILITY.plusSeconds(1));
        time.advance(Duration.ZERO);

        assertThat(beats).isEmpty();
        assertThat(lease.settle()).isEqualTo(Lease.State.LOST);
    }

    @Test
    void stops_the_job_before_twelve_hours_while_the_message_is_still_held() {
        lease.start();
        time.advance(Duration.ofHours(13));

        assertThat(beats.getLast().plus(VISIBILITY)).isLessThan(Lease.CEILING);
        assertThat(beats.getLast()).isGreaterThan(Lease.CEILING.minusMinutes(10));
        assertThat(lease.interruption()).contains("PT12H");
        assertThat(lease.settle()).isEqualTo(Lease.State.HELD);
    }

    @Test
    void the_thread_is_not_interrupted_for_a_job_that_ended() {
        lease.run(() -> true);
        lease.interrupt("too late");

        assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }

    @Test
    void a_job_that_was_stopped_before_it_began_begins_interrupted() {
        lease.interrupt("the worker is stopping");

        assertThat(lease.run(() -> Thread.currentThread().isInterrupted())).isTrue();
    }
}
