package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SqsQueueTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final SqsQueue queue = Queues.fresh();

    private List<String> received(int count) {
        var bodies = new ArrayList<String>();
        while (bodies.size() < count) {
            var messages = queue.receive(10, Duration.ofSeconds(2), MINUTE);
            assertThat(messages).isNotEmpty();
            messages.forEach(message -> bodies.add(message.body()));
        }
        return bodies;
    }

    @Test
    void sends_more_messages_than_fit_into_one_call() {
        var bodies = IntStream.range(0, 37).mapToObj(i -> "message " + i).toList();
        queue.send(bodies);

        assertThat(received(37)).containsExactlyInAnyOrderElementsOf(bodies);
    }

    @Test
    void sends_messages_that_together_are_larger_than_one_call_may_be() {
        var large = "ä".repeat(200_000);
        queue.send(List.of(large, large, large, large, large));

        assertThat(received(5)).allMatch(large::equals);
    }

    @Test
    void a_message_over_the_limit_is_refused_before_anything_is_sent() {
        assertThatThrownBy(() -> queue.send(List.of("fine", "x".repeat(SqsQueue.MAX_BYTES + 1))))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("1048577 bytes");
        assertThat(queue.depth().visible()).isZero();
    }

    @Test
    void sending_nothing_asks_nobody() {
        Queues.SQS.queue("http://127.0.0.1:1/nobody").send(List.of());
    }

    @Test
    void a_handle_is_good_until_its_message_is_gone() {
        queue.send(List.of("one"));
        var message = queue.receive(1, Duration.ofSeconds(2), MINUTE).getFirst();

        assertThat(queue.changeVisibility(message.handle(), MINUTE)).isTrue();
        assertThat(queue.delete(message.handle())).isTrue();
        assertThat(queue.changeVisibility(message.handle(), MINUTE)).isFalse();
    }

    @Test
    void a_superseded_handle_is_no_longer_good() {
        queue.send(List.of("one"));
        var first = queue.receive(1, Duration.ofSeconds(2), MINUTE).getFirst();
        queue.changeVisibility(first.handle(), Duration.ZERO);
        var second = queue.receive(1, Duration.ofSeconds(2), MINUTE).getFirst();

        assertThat(second.receives()).isEqualTo(2);
        assertThat(queue.changeVisibility(first.handle(), MINUTE)).isFalse();
        assertThat(queue.changeVisibility(second.handle(), MINUTE)).isTrue();
    }

    @Test
    void failures_name_the_queue_and_are_the_dependency_s() {
        var missing = Queues.SQS.queue(queue.url() + "-missing");

        assertThatThrownBy(missing::depth).isInstanceOfSatisfying(FailureException.class, e -> {
            assertThat(e.failure().blame()).isEqualTo(Blame.DEPENDENCY);
            assertThat(e.failure().reason()).isEqualTo("queue-missing");
            assertThat(e).hasMessageContaining(missing.url());
        });
        var settings = new SqsSettings("us-east-1", URI.create("http://127.0.0.1:1"));
        try (var nobody = new Sqs(settings, TestServers.CREDENTIALS)) {
            assertThatThrownBy(nobody.queue("http://127.0.0.1:1/q")::depth)
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().reason()).isEqualTo("sqs-unavailable"));
        }
    }
}
