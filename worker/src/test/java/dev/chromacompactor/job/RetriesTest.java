package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RetriesTest {
    private final Retries retries = Retries.ofDependency(Duration.ofMillis(1));
    private final AtomicInteger calls = new AtomicInteger();

    private int failing(Blame blame, int times) {
        if (calls.incrementAndGet() <= times) {
            throw new FailureException(blame, "some-reason", "call " + calls);
        }
        return calls.get();
    }

    @Test
    void a_step_that_succeeds_at_last_gives_its_answer() {
        assertThat(retries.call("step", () -> failing(Blame.DEPENDENCY, 2))).isEqualTo(3);
    }

    @Test
    void gives_up_after_three_attempts_with_the_last_failure() {
        assertThatThrownBy(() -> retries.call("step", () -> failing(Blame.DEPENDENCY, 9)))
                .isInstanceOf(FailureException.class)
                .hasMessage("call 3");
    }

    @ParameterizedTest
    @EnumSource(value = Blame.class, mode = EnumSource.Mode.EXCLUDE, names = "DEPENDENCY")
    void only_a_dependency_is_worth_another_attempt(Blame blame) {
        assertThatThrownBy(() -> retries.run("step", () -> failing(blame, 9))).hasMessage("call 1");
    }

    @Test
    void an_interrupt_ends_a_pause_and_stays_set() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Retries.ofDependency().run("step", () -> failing(Blame.DEPENDENCY, 9)))
                .hasMessage("call 1");
        assertThat(Thread.interrupted()).isTrue();
    }
}
