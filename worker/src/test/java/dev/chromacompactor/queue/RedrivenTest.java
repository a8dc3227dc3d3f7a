package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.AttemptMarks.Mark;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

@Timeout(60)
class RedrivenTest {
    private final SqsQueue dead = Queues.fresh();
    private final MarksInMemory marks = new MarksInMemory();
    private final List<String> told = new ArrayList<>();
    private final MessageHandler handler = new MessageHandler() {
        @Override
        public Outcome handle(Delivery delivery) {
            throw new AssertionError("a letter is no job");
        }

        @Override
        public void givenUp(Delivery delivery, Failure failure) {
            if (delivery.body().equals("not JSON")) {
                throw FailureException.input("not-json", "no");
            }
            told.add(delivery.body() + delivery.attributes() + failure.reason());
        }
    };
    private final Redriven redriven =
            new Redriven(dead, handler, new Attempts(5, marks, InstantSource.system(), "build-7"));

    /** SQS moves it, as no worker survived its only receive. */
    private String movedBySqs(String body) {
        var arn = dead.attributes().get("QueueArn");
        var strict = Queues.fresh(Map.of(
                QueueAttributeName.REDRIVE_POLICY,
                "{\"deadLetterTargetArn\":\"" + arn + "\",\"maxReceiveCount\":\"1\"}"));
        var id = strict.send(body, Map.of("team", Queues.text("a")));
        var message = strict.receive(1, Duration.ZERO, Duration.ofMinutes(1)).getFirst();
        strict.changeVisibility(message.handle(), Duration.ZERO);
        assertThat(strict.receive(1, Duration.ofSeconds(1), Duration.ofMinutes(1)))
                .isEmpty();
        return id;
    }

    @Test
    void whoever_waits_for_a_message_that_SQS_moved_is_told_once_and_the_letter_stays() {
        var id = movedBySqs("{\"n\":1}");
        marks.open(id, new Mark(1, Instant.EPOCH, "build-6", null, null));
        movedBySqs("not JSON");
        redriven.look();
        redriven.look();

        assertThat(told).containsExactly("{\"n\":1}{team=a}worker-died");
        assertThat(dead.depth()).isEqualTo(new SqsQueue.Depth(2, 0, 0));
        assertThat(marks.count()).isZero();
    }

    @Test
    void a_busy_worker_puts_the_look_off_but_not_for_ever() {
        var time = new ManualTimer();
        var busy = new AtomicBoolean(true);
        redriven.start(time, busy::get, () -> false);
        movedBySqs("1");
        time.advance(Duration.ofMinutes(4));
        assertThat(told).isEmpty();
        time.advance(Duration.ofMinutes(2));
        assertThat(told).hasSize(1);

        movedBySqs("2");
        busy.set(false);
        time.advance(Duration.ofMinutes(10));
        assertThat(told).hasSize(2);
    }

    @Test
    void a_worker_with_time_looks_soon() {
        var time = new ManualTimer();
        redriven.start(time, () -> false, () -> false);
        movedBySqs("1");
        time.advance(Duration.ofSeconds(10));

        assertThat(told).hasSize(1);
    }

    @Test
    void letters_of_workers_need_no_telling() {
        dead.send("{}", Map.of(LetterFormat.FAILURE, Queues.text("{}")));
        redriven.look();

        assertThat(told).isEmpty();
        assertThat(dead.depth()).isEqualTo(new SqsQueue.Depth(1, 0, 0));
    }
}
