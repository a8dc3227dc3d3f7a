package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What an operator paused: hidden for as long as he says, and nobody is the worse for it. */
class PutOffTest {
    private final SqsQueue work = Queues.fresh();
    private final SqsQueue dead = Queues.fresh();
    private final AtomicInteger handled = new AtomicInteger();

    private Consumer consumer(Duration delay) {
        var failure = new Failure(Blame.DEPENDENCY, "publishing-paused", "words/control/pause.json: labels");
        return new Consumer(
                work,
                dead,
                _ -> {
                    handled.incrementAndGet();
                    return new Outcome.PutOff(failure, delay);
                },
                new MarksInMemory(),
                Gate.OPEN,
                Metrics.none(),
                new Consumer.Settings(1, Duration.ofMinutes(5), 1, "build-7"),
                InstantSource.system(),
                new ManualTimer(),
                new SameThread(),
                Duration.ZERO);
    }

    @Test
    void it_is_hidden_for_that_long_and_is_no_dead_letter() throws Exception {
        work.send(List.of("{}"));
        var _ = consumer(Duration.ofHours(1)).round();
        assertThat(work.depth()).isEqualTo(new SqsQueue.Depth(0, 1, 0));
        assertThat(dead.depth().visible()).isZero();
    }

    @Test
    void however_often_it_spends_no_attempt_and_does_not_stop_the_polling() throws Exception {
        work.send(List.of("{}"));
        var consumer = consumer(Duration.ZERO);
        for (int round = 0; round < 8; round++) {
            assertThat(consumer.round()).isEqualTo(Duration.ZERO);
        }
        assertThat(handled).hasValue(8);
        assertThat(work.depth().visible()).isEqualTo(1);
        assertThat(dead.depth().visible()).isZero();
        assertThat(consumer.health().breakerOpen()).isFalse();
    }
}
