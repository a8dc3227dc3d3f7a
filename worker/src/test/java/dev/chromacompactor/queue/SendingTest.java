package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResultEntry;

/** How many calls messages go out in, and what becomes of those that SQS does not take. */
class SendingTest {
    /** Takes what it is told to take, and remembers each call. */
    private static final class Picky implements SqsClient {
        private final List<List<String>> calls = new ArrayList<>();
        private final List<String> taken = new ArrayList<>();
        private final Refusal refusal;
        private final boolean senderFault;

        @FunctionalInterface
        interface Refusal {
            boolean of(int call, String body);
        }

        Picky(boolean senderFault, Refusal refusal) {
            this.senderFault = senderFault;
            this.refusal = refusal;
        }

        @Override
        public SendMessageBatchResponse sendMessageBatch(SendMessageBatchRequest request) {
            int call = calls.size();
            calls.add(request.entries().stream()
                    .map(SendMessageBatchRequestEntry::messageBody)
                    .toList());
            var done = new ArrayList<SendMessageBatchResultEntry>();
            var failed = new ArrayList<BatchResultErrorEntry>();
            for (var entry : request.entries()) {
                if (refusal.of(call, entry.messageBody())) {
                    failed.add(BatchResultErrorEntry.builder()
                            .id(entry.id())
                            .code("InternalError")
                            .senderFault(senderFault)
                            .build());
                } else {
                    taken.add(entry.messageBody());
                    done.add(
                            SendMessageBatchResultEntry.builder().id(entry.id()).build());
                }
            }
            return SendMessageBatchResponse.builder()
                    .successful(done)
                    .failed(failed)
                    .build();
        }

        @Override
        public String serviceName() {
            return "sqs";
        }

        @Override
        public void close() {}
    }

    private static List<String> bodies(int count) {
        return IntStream.range(0, count).mapToObj(i -> "message " + i).toList();
    }

    @Test
    void what_is_refused_in_part_is_sent_again_and_nothing_else() {
        var sqs = new Picky(false, (call, body) -> call == 0 && (body.endsWith("3") || body.endsWith("7")));

        new SqsQueue(sqs, "https://sqs/work").send(bodies(10));

        assertThat(sqs.calls).hasSize(2);
        assertThat(sqs.calls.get(1)).containsExactlyInAnyOrder("message 3", "message 7");
        assertThat(sqs.taken).containsExactlyInAnyOrderElementsOf(bodies(10));
    }

    @Test
    void what_is_refused_again_and_again_fails_with_how_many_and_says_that_it_is_not_the_input() {
        var sqs = new Picky(false, (call, body) -> body.endsWith("4"));

        assertThatThrownBy(() -> new SqsQueue(sqs, "https://sqs/work").send(bodies(5)))
                .isInstanceOfSatisfying(FailureException.class, e -> {
                    assertThat(e.failure().blame()).isEqualTo(Blame.DEPENDENCY);
                    assertThat(e).hasMessageContaining("https://sqs/work: 1 of 1 messages were not accepted");
                });
        assertThat(sqs.calls).hasSize(3);
    }

    @Test
    void what_is_our_own_fault_is_not_repeated() {
        var sqs = new Picky(true, (call, body) -> body.endsWith("0"));

        assertThatThrownBy(() -> new SqsQueue(sqs, "https://sqs/work").send(bodies(2)))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo("message-refused"));
        assertThat(sqs.calls).hasSize(1);
    }

    @Test
    void no_call_has_more_than_ten_messages_or_more_bytes_than_SQS_takes() {
        var sqs = new Picky(false, (call, body) -> false);
        var mixed = new ArrayList<>(bodies(25));
        // Two bytes a character: 400,000 bytes each, and one of exactly as much as a call may have.
        IntStream.range(0, 7).forEach(i -> mixed.add("ä".repeat(200_000)));
        mixed.add("x".repeat(SqsQueue.MAX_BYTES));
        mixed.addAll(bodies(3));

        new SqsQueue(sqs, "https://sqs/work").send(mixed);

        assertThat(sqs.taken).containsExactlyElementsOf(mixed);
        assertThat(sqs.calls).allSatisfy(call -> {
            assertThat(call).hasSizeBetween(1, 10);
            assertThat(call.stream().mapToInt(SqsQueue::bytes).sum()).isLessThanOrEqualTo(SqsQueue.MAX_BYTES);
        });
        assertThat(sqs.calls).as("and no more calls than that needs").hasSize(8);
    }
}
