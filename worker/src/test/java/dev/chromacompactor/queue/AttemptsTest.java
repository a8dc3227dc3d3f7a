package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.queue.Attempts.Verdict;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AttemptsTest {
    private static final int MAX = 5;

    private final MarksInMemory marks = new MarksInMemory();
    private final Attempts attempts = new Attempts(MAX, marks, InstantSource.fixed(Instant.EPOCH), "build-7");
    private int receives;

    private Verdict fail(Blame blame, String message) {
        var failure = new Failure(blame, "some-reason", message);
        return attempts.judge(attempts.remember("m1", ++receives, failure), receives);
    }

    @ParameterizedTest
    @EnumSource(
            value = Blame.class,
            names = {"DEPENDENCY", "NODE", "CONFLICT", "INVARIANT"})
    void faults_of_others_never_use_up_the_attempts(Blame blame) {
        for (int i = 0; i < 1000; i++) {
            assertThat(fail(blame, "the same every time")).isEqualTo(Verdict.TRY_AGAIN);
        }
        assertThat(attempts.of("m1").counted()).isZero();
    }

    @Test
    void an_input_may_fail_as_often_as_allowed() {
        for (int i = 1; i < MAX; i++) {
            assertThat(fail(Blame.INPUT, "chunk 3 is not there yet")).isEqualTo(Verdict.TRY_AGAIN);
        }
        assertThat(fail(Blame.INPUT, "chunk 3 is not there yet")).isEqualTo(Verdict.SPENT);
    }

    @Test
    void a_doubtful_input_that_fails_in_the_same_way_twice_is_given_up() {
        assertThat(fail(Blame.DOUBTFUL, "got 10 of 20 bytes")).isEqualTo(Verdict.TRY_AGAIN);
        assertThat(fail(Blame.DEPENDENCY, "slow down")).isEqualTo(Verdict.TRY_AGAIN);
        assertThat(fail(Blame.DOUBTFUL, "got 10 of 20 bytes")).isEqualTo(Verdict.REPEATED);
    }

    @Test
    void a_doubtful_input_that_fails_differently_each_time_gets_all_its_attempts() {
        for (int i = 1; i < MAX; i++) {
            assertThat(fail(Blame.DOUBTFUL, "got " + i + " of 20 bytes")).isEqualTo(Verdict.TRY_AGAIN);
        }
        assertThat(fail(Blame.DOUBTFUL, "got 5 of 20 bytes")).isEqualTo(Verdict.SPENT);
    }

    @Test
    void without_marks_many_receives_are_a_generous_backstop_for_doubtful_inputs() {
        marks.outage = true;
        receives = 4 * MAX - 1;
        attempts.known("m1", receives + 1);
        assertThat(fail(Blame.DOUBTFUL, "got 10 of 20 bytes")).isEqualTo(Verdict.SPENT);
    }

    @Test
    void a_message_received_often_for_other_faults_still_has_its_attempts() {
        receives = 10_000;
        assertThat(fail(Blame.DEPENDENCY, "slow down")).isEqualTo(Verdict.TRY_AGAIN);
        assertThat(fail(Blame.DOUBTFUL, "got 10 of 20 bytes")).isEqualTo(Verdict.TRY_AGAIN);
    }

    @Test
    void remembers_all_that_count_and_the_latest_twenty_others() {
        for (int i = 0; i < 100; i++) {
            fail(i % 2 == 0 ? Blame.INPUT : Blame.DEPENDENCY, "attempt " + i);
        }
        assertThat(attempts.of("m1").attempts()).hasSize(70);
        assertThat(attempts.of("m1").last().failure().message()).isEqualTo("attempt 99");
        assertThat(attempts.of("m1").counted()).isEqualTo(50);
    }

    @Test
    void forgets_a_message_that_is_settled() {
        fail(Blame.INPUT, "once");
        attempts.forget("m1");
        assertThat(attempts.of("m1")).isEqualTo(Attempts.History.NONE);
    }
}
