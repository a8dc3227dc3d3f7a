package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.core.exception.SdkClientException;

@Timeout(20)
class AcknowledgerTest {
    private static final Duration VISIBILITY = Duration.ofSeconds(30);

    private final ManualTimer time = new ManualTimer();
    private final SimulatedSqs sqs = new SimulatedSqs(time, 10);
    private final SqsQueue work = sqs.queue("work");
    private final Acknowledger acknowledger = new Acknowledger(work, () -> Integer.MAX_VALUE);
    private final AtomicInteger settled = new AtomicInteger();

    private List<Held> received(int count) {
        IntStream.range(0, count).forEach(i -> work.send("message " + i, Map.of()));
        return IntStream.iterate(0, i -> i < count, i -> i + 10)
                .mapToObj(i -> work.receive(10, Duration.ZERO, VISIBILITY))
                .flatMap(List::stream)
                .map(this::held)
                .toList();
    }

    private Held held(ReceivedMessage message) {
        var lease = new Lease(
                message.id(),
                (visibility, patience) -> work.changeVisibility(message.handle(), visibility, patience),
                VISIBILITY,
                VISIBILITY,
                time,
                Metrics.none(),
                time);
        lease.start();
        return new Held(message, lease, new Room(1));
    }

    private void acknowledge(List<Held> jobs) {
        jobs.forEach(job -> acknowledger.add(job, settled::incrementAndGet));
    }

    private long calls(String name) {
        return sqs.calls.stream().filter(name::equals).count();
    }

    @Test
    void ten_go_in_one_call() {
        acknowledge(received(25));
        acknowledger.flush();

        assertThat(calls("delete-batch")).isEqualTo(3);
        assertThat(sqs.messages("work")).isZero();
        assertThat(settled).hasValue(25);
    }

    @Test
    void the_lease_goes_on_until_the_delete_is_sent_and_no_beat_follows_it() {
        acknowledge(received(1));
        time.advance(Duration.ofSeconds(65));
        assertThat(calls("change")).as("beats").isEqualTo(6);

        acknowledger.flush();
        time.advance(Duration.ofMinutes(5));
        assertThat(sqs.messages("work")).isZero();
        assertThat(sqs.calls).endsWith("delete-batch");
        assertThat(time.waiting()).isZero();
    }

    @Test
    void what_could_not_be_deleted_is_kept_and_deleted_later() {
        var jobs = received(1);
        sqs.fault = call -> {
            if (call.equals("delete-batch")) {
                sqs.fault = any -> {};
                assertThat(settled).hasValue(0);
                throw SdkClientException.create("connection reset");
            }
        };
        acknowledge(jobs);
        acknowledger.flush();

        assertThat(calls("delete-batch")).isEqualTo(2);
        assertThat(settled).hasValue(1);
        assertThat(sqs.messages("work")).isZero();
    }

    @Test
    void a_queue_that_takes_no_deletes_gets_its_messages_back() {
        sqs.fault = call -> {
            if (call.equals("delete-batch")) {
                throw SdkClientException.create("connection reset");
            }
        };
        acknowledge(received(1));
        acknowledger.flush();

        assertThat(calls("delete-batch")).isEqualTo(3);
        assertThat(settled).hasValue(1);
        assertThat(time.waiting()).as("no lease goes on").isZero();
        time.advance(VISIBILITY);
        assertThat(sqs.visible("work")).isEqualTo(1);
    }

    @Test
    void one_that_is_no_longer_ours_does_not_hold_up_the_others() {
        var jobs = received(3);
        work.delete(jobs.get(1).message().handle());
        acknowledge(jobs);
        acknowledger.flush();

        assertThat(settled).hasValue(3);
        assertThat(sqs.messages("work")).isZero();
    }

    @Test
    void stopping_sends_what_is_left() throws Exception {
        var jobs = received(7);
        acknowledger.start();
        acknowledge(jobs);
        acknowledger.stop(Duration.ofSeconds(10));

        assertThat(settled).hasValue(7);
        assertThat(sqs.messages("work")).isZero();
    }
}
