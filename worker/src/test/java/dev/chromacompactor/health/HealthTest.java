package dev.chromacompactor.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HealthTest {
    private final ManualClock clock = new ManualClock();
    private final AtomicLong cpu = new AtomicLong();
    private final AtomicLong transferred = new AtomicLong();
    private final Progress progress = new Progress(clock, _ -> cpu.get(), transferred::get);
    private final Health health = new Health(clock, progress);
    private final FakeSigns signs = new FakeSigns(clock.instant());

    @Test
    void a_worker_that_starts_is_alive_and_not_ready() {
        assertThat(health.live().well()).isTrue();
        assertThat(health.live().notes()).contains("starting");
        assertThat(health.ready().well()).isFalse();
        assertThat(health.ready().problems()).containsExactly("starting");
    }

    @Test
    void a_worker_that_polls_is_alive_and_ready() {
        health.running(signs);

        assertThat(health.live().well()).isTrue();
        assertThat(health.ready().well()).isTrue();
    }

    @Test
    void a_worker_that_drains_is_alive_for_as_long_as_it_takes_and_not_ready() {
        health.running(signs);
        health.draining();
        signs.pollerAlive = false;
        clock.pass(Duration.ofMinutes(10));

        assertThat(health.live().well()).isTrue();
        assertThat(health.ready().problems()).containsExactly("draining");
    }

    @Test
    void a_poller_that_died_is_seen_at_once() {
        health.running(signs);
        signs.pollerAlive = false;

        assertThat(health.live().problems()).containsExactly("the poller has ended, nothing is received any more");
    }

    @Test
    void a_poller_that_hangs_is_seen_after_its_bound_and_not_before() {
        health.running(signs);
        clock.pass(Health.TURN_BOUND);
        assertThat(health.live().well()).isTrue();

        clock.pass(Duration.ofSeconds(1));

        assertThat(health.live().problems())
                .containsExactly("the poller has not gone round for PT1M31S, though slots are free");
    }

    @Test
    void a_poller_that_waits_for_a_slot_is_alive_while_the_jobs_get_on() {
        health.running(signs);
        signs.busy = signs.slots;
        try (var _ = progress.begin("m-1")) {
            for (int hour = 0; hour < 3; hour++) {
                clock.pass(Duration.ofHours(1));
                cpu.addAndGet(1);
                assertThat(health.live().well()).isTrue();
            }
        }
    }

    @Test
    void a_job_that_neither_computes_nor_transfers_is_seen() {
        health.running(signs);
        try (var _ = progress.begin("m-1")) {
            clock.pass(Health.QUIET_BOUND);
            signs.lastTurn = clock.instant();
            transferred.incrementAndGet();
            assertThat(health.live().well()).isTrue();

            signs.lastTurn = clock.instant();
            clock.pass(Health.QUIET_BOUND);
            signs.lastTurn = clock.instant();
            assertThat(health.live().well()).isTrue();
            clock.pass(Duration.ofSeconds(1));

            assertThat(health.live().problems())
                    .containsExactly("job m-1 has neither computed nor transferred anything for PT15M1S");
        }
        assertThat(health.live().well()).isTrue();
    }

    @Test
    void a_paused_worker_and_one_whose_queue_does_not_answer_are_alive_and_say_so() {
        health.running(signs);
        clock.pass(Duration.ofHours(2));
        signs.lastTurn = clock.instant();
        signs.resting = "the queue does not answer: sqs-unavailable";

        assertThat(health.live().well()).isTrue();
        assertThat(health.live().notes()).contains("the queue does not answer: sqs-unavailable");
    }

    @Test
    void faults_of_this_machine_that_go_on_make_it_unhealthy_and_one_good_job_mends_it() {
        health.running(signs);
        signs.handedBackInARow = Health.NODE_FAULTS;
        assertThat(health.live().well()).isTrue();

        clock.pass(Health.NODE_PATIENCE);
        assertThat(health.live().problems()).containsExactly("this machine could not do the last 3 jobs, for PT1M");

        signs.handedBackInARow = 0;
        assertThat(health.live().well()).isTrue();
        signs.handedBackInARow = Health.NODE_FAULTS;
        assertThat(health.live().well()).isTrue();
    }

    @Test
    void a_thread_that_really_computes_gets_on_and_one_that_waits_does_not() throws InterruptedException {
        var real = new Progress(clock, transferred::get);
        try (var _ = real.begin("m-1")) {
            clock.pass(Duration.ofMinutes(1));
            long spun = 0;
            for (int i = 0; i < 5_000_000; i++) {
                spun += Long.hashCode(i * 31L);
            }
            assertThat(spun).isNotZero();
            assertThat(real.look()).singleElement().satisfies(sign -> {
                assertThat(sign.quiet()).isZero();
                assertThat(sign.running()).isEqualTo(Duration.ofMinutes(1));
            });
        }
        assertThat(real.look()).isEmpty();

        var waiter = Thread.ofPlatform().daemon().start(() -> {
            try (var _ = real.begin("m-2")) {
                Thread.currentThread().join(); // for ever
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        org.awaitility.Awaitility.await()
                .until(() -> waiter.getState() == Thread.State.WAITING
                        && !real.look().isEmpty());
        var _ = real.look();
        clock.pass(Duration.ofMinutes(2));
        assertThat(real.look())
                .singleElement()
                .satisfies(sign -> assertThat(sign.quiet()).isEqualTo(Duration.ofMinutes(2)));
        waiter.interrupt();
        waiter.join();
    }
}
