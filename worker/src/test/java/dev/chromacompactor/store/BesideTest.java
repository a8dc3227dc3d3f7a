package dev.chromacompactor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class BesideTest {
    @Test
    void a_step_goes_on_while_its_owner_does_something_else() {
        var owner = new CountDownLatch(1);
        try (var step = Beside.begin("wait", () -> await(owner) ? "waited" : "told to stop")) {
            owner.countDown(); // hangs unless the owner comes to here
            assertThat(step.result()).isEqualTo("waited");
        }
    }

    @Test
    void what_a_step_throws_comes_out_where_its_result_is_asked_for() {
        try (var step = Beside.begin("fail", () -> {
            throw FailureException.input("delta-missing", "no such delta");
        })) {
            assertThatThrownBy(step::result)
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().reason()).isEqualTo("delta-missing"));
        }
    }

    @Test
    void a_step_that_nobody_waits_for_is_over_once_it_is_closed() {
        var begun = new CountDownLatch(1);
        var ended = new CountDownLatch(1);
        try (var _ = Beside.begin("wait for ever", () -> {
            begun.countDown();
            boolean waited = await(new CountDownLatch(1));
            ended.countDown();
            return waited;
        })) {
            await(begun);
        }
        assertThat(ended.getCount()).isZero();
    }

    @Test
    void whoever_is_told_to_stop_does_not_wait() {
        Thread.currentThread().interrupt();
        try (var step = Beside.begin("wait for ever", () -> await(new CountDownLatch(1)))) {
            assertThatThrownBy(step::result)
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().reason()).isEqualTo("interrupted"));
        } finally {
            assertThat(Thread.interrupted()).as("stays told").isTrue();
        }
    }

    private static boolean await(CountDownLatch latch) {
        try {
            latch.await();
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }
}
