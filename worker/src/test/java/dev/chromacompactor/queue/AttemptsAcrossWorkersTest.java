package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.job.AttemptMarks.Mark;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.core.exception.SdkClientException;

/** Each worker here has a memory of its own; what they share is the queue and the marks. */
@Timeout(60)
class AttemptsAcrossWorkersTest {
    private static final int MAX = 3;
    private static final String BODY = "{\"operation\":\"process_chunk\",\"batch_id\":\"b-1\"}";

    private final Simulation simulation = new Simulation();
    private final AtomicInteger jobs = new AtomicInteger();
    private final List<Failure> givenUp = new ArrayList<>();

    private static Outcome.RetryLater retry(Blame blame, String message) {
        return new Outcome.RetryLater(new Failure(blame, "some-reason", message));
    }

    private interface Job {
        Outcome run();
    }

    /** A new worker, which lives for one job. */
    private void oneJob(Job job) {
        var handler = new MessageHandler() {
            @Override
            public Outcome handle(Delivery delivery) {
                jobs.incrementAndGet();
                return job.run();
            }

            @Override
            public void givenUp(Delivery delivery, Failure failure) {
                givenUp.add(failure);
            }
        };
        int before = jobs.get();
        simulation.run(simulation.worker(MAX, handler), () -> jobs.get() > before || simulation.empty());
    }

    @Test
    void the_same_doubtful_failure_at_two_workers_is_no_accident() {
        simulation.send(BODY);
        oneJob(() -> retry(Blame.DOUBTFUL, "got 10 of 20 bytes"));
        assertThat(simulation.marks.count()).isEqualTo(1);
        oneJob(() -> retry(Blame.DOUBTFUL, "got 10 of 20 bytes"));

        assertThat(simulation.letters()).singleElement().satisfies(report -> {
            assertThat(report.verdict()).isEqualTo("repeated");
            assertThat(report.attempts()).extracting("reason").containsExactly("some-reason", "some-reason");
            assertThat(report.attempts().getFirst().at())
                    .isBefore(report.attempts().getLast().at());
        });
        assertThat(simulation.marks.count()).isZero();
    }

    @Test
    void as_often_as_allowed_means_by_all_workers_together() {
        simulation.send(BODY);
        for (int i = 0; i < MAX; i++) {
            var message = "got " + i + " of 20 bytes";
            oneJob(() -> retry(Blame.DOUBTFUL, message));
        }

        assertThat(simulation.letters()).extracting(FailureReport::verdict).containsExactly("spent");
        assertThat(givenUp).extracting(Failure::message).containsExactly("got 2 of 20 bytes");
    }

    @Test
    void faults_of_others_leave_no_marks_however_often() {
        simulation.send(BODY);
        for (int i = 0; i < 3 * MAX; i++) {
            oneJob(() -> retry(Blame.DEPENDENCY, "slow down"));
            oneJob(() -> new Outcome.HandBack(new Failure(Blame.NODE, "disk-full", "no room")));
            assertThat(simulation.marks.count()).isZero();
        }
        oneJob(() -> new Outcome.Done("at last"));

        assertThat(simulation.empty()).isTrue();
        assertThat(simulation.sqs.messages("work-dlq")).isZero();
    }

    @Test
    void a_message_that_workers_die_of_becomes_a_letter_and_whoever_waits_for_it_is_told() {
        simulation.send(BODY);
        for (int i = 0; i < MAX + 1; i++) {
            killed(i);
        }
        int before = jobs.get();
        oneJob(() -> new Outcome.Done("must not be begun again"));

        assertThat(jobs).hasValue(before);
        assertThat(givenUp).extracting(Failure::reason).containsExactly("worker-died");
        assertThat(simulation.letters()).singleElement().satisfies(report -> {
            assertThat(report.reason()).isEqualTo("worker-died");
            assertThat(report.blame()).isEqualTo("input");
            assertThat(report.message()).contains("3 ended with the death of the worker, after receive 2, 3, 4");
            assertThat(report.attempts()).hasSize(MAX);
        });
        assertThat(simulation.marks.count()).isZero();
    }

    /** The attempt of this receive ends with the process: nobody settles anything. */
    private void killed(int i) {
        jobs.incrementAndGet();
        var message = simulation
                .work
                .receive(1, SqsQueue.LONG_POLL, Duration.ofSeconds(5))
                .getFirst();
        assertThat(message.receives()).isEqualTo(i + 1);
        var attempts = new Attempts(MAX, simulation.marks, simulation.time, "build-7");
        assertThat(attempts.deadly(attempts.known(message.id(), message.receives())))
                .isEmpty();
        attempts.begin(message.id(), message.receives());
        simulation.time.advance(Duration.ofSeconds(6));
    }

    @Test
    void deaths_and_faults_of_the_input_count_together() {
        simulation.send(BODY);
        oneJob(() -> retry(Blame.DOUBTFUL, "got 1 of 20 bytes"));
        simulation.time.advance(Duration.ofMinutes(6));
        killed(1);
        killed(2);
        oneJob(() -> new Outcome.Done("must not be begun again"));

        assertThat(simulation.letters()).extracting(FailureReport::reason).containsExactly("worker-died");
    }

    @Test
    void an_unreachable_bucket_keeps_no_message_from_its_end() {
        simulation.marks.outage = true;
        simulation.send(BODY);
        simulation.send(BODY);
        var worker = simulation.worker(
                MAX,
                delivery -> delivery.receives() < 2
                        ? retry(Blame.DEPENDENCY, "slow down")
                        : delivery.messageId().equals("000000")
                                ? new Outcome.Done("done")
                                : new Outcome.DeadLetter(new Failure(Blame.INPUT, "sqlite-corrupt", "page 3")));

        simulation.run(worker, simulation::empty);
        assertThat(simulation.letters()).extracting(FailureReport::reason).containsExactly("sqlite-corrupt");
    }

    @Test
    void without_the_bucket_one_worker_still_counts_what_it_sees_itself() {
        simulation.marks.outage = true;
        simulation.send(BODY);
        var worker = simulation.worker(MAX, delivery -> retry(Blame.DOUBTFUL, "got 10 of 20 bytes"));

        simulation.run(worker, simulation::empty);
        assertThat(simulation.letters()).extracting(FailureReport::verdict).containsExactly("repeated");
    }

    @Test
    void a_mark_that_could_not_be_taken_away_is_no_death_and_goes_when_the_bucket_is_back() {
        simulation.send(BODY);
        oneJob(() -> retry(Blame.DEPENDENCY, "slow down"));
        var worker = simulation.worker(MAX, delivery -> {
            simulation.marks.outage = delivery.receives() == 2;
            return delivery.receives() < 8 ? retry(Blame.DEPENDENCY, "slow down") : new Outcome.Done("done");
        });
        simulation.run(worker, () -> simulation.sqs.calls.size() > 6);
        simulation.marks.outage = false;
        simulation.run(worker, simulation::empty);

        assertThat(simulation.sqs.messages("work-dlq")).isZero();
        assertThat(simulation.marks.count()).isZero();
    }

    @Test
    void what_is_not_whole_yet_has_its_time_and_then_fails_twice() {
        var whole = simulation.begin.plus(Duration.ofMinutes(15));
        simulation.send(BODY);
        var worker = simulation.worker(MAX, delivery -> {
            jobs.incrementAndGet();
            return new Outcome.RetryLater(
                    new Failure(Blame.DOUBTFUL, "delta-still-arriving", "index-missing-file"), whole);
        });

        simulation.run(worker, () -> simulation.elapsed().compareTo(Duration.ofMinutes(14)) > 0);
        assertThat(jobs.get()).isGreaterThan(MAX);
        assertThat(simulation.sqs.messages("work-dlq")).isZero();
        assertThat(simulation.marks.count()).isZero();

        simulation.run(worker, simulation::empty);
        assertThat(simulation.elapsed()).isBetween(Duration.ofMinutes(15), Duration.ofMinutes(17));
        assertThat(simulation.letters()).extracting(FailureReport::verdict).containsExactly("repeated");
    }

    @Test
    void a_letter_whose_original_could_not_be_deleted_comes_twice_and_both_say_so() {
        simulation.send(BODY);
        var refused = new AtomicInteger();
        simulation.sqs.fault = call -> {
            if (call.equals("delete-batch") && refused.incrementAndGet() <= 3) {
                throw SdkClientException.create("connection reset");
            }
        };
        var worker = simulation.worker(
                MAX, delivery -> new Outcome.DeadLetter(new Failure(Blame.INPUT, "sqlite-corrupt", "page 3")));
        simulation.run(worker, simulation::empty);

        var letters = simulation.letters();
        assertThat(letters).hasSize(2);
        assertThat(letters).extracting(FailureReport::messageId).containsOnly("000000");
        assertThat(letters)
                .extracting(FailureReport::fingerprint)
                .containsOnly(letters.getFirst().fingerprint());
    }

    @Test
    void a_job_is_handed_over_before_the_twelve_hours_are_up() {
        simulation.send(BODY);
        var handedOver = new ArrayList<Duration>();
        var worker = simulation.worker(MAX, delivery -> {
            if (delivery.receives() > 1) {
                return new Outcome.Done("by somebody faster");
            }
            while (!Thread.currentThread().isInterrupted()) {
                simulation.time.advance(Duration.ofMinutes(1));
            }
            handedOver.add(simulation.elapsed());
            return new Outcome.DeadLetter(new Failure(Blame.INPUT, "an-effect", "of the interrupt"));
        });

        simulation.run(worker, simulation::empty);
        assertThat(handedOver)
                .singleElement()
                .satisfies(at -> assertThat(at).isBetween(Duration.ofMinutes(11 * 60 + 45), Duration.ofHours(12)));
        assertThat(simulation.elapsed()).isLessThan(Duration.ofHours(12).plusMinutes(1));
        assertThat(simulation.sqs.messages("work-dlq")).isZero();
    }

    @Test
    void marks_name_the_build_and_the_time() {
        simulation.send(BODY);
        oneJob(() -> retry(Blame.DOUBTFUL, "got 1 of 20 bytes"));

        assertThat(simulation.marks.of("000000")).singleElement().satisfies((Mark mark) -> {
            assertThat(mark.build()).isEqualTo("build-7");
            assertThat(mark.receive()).isEqualTo(1);
            assertThat(mark.at()).isBetween(simulation.begin, simulation.time.instant());
        });
    }
}
