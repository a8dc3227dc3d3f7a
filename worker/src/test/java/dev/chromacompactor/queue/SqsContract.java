package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.Deviation;
import dev.chromacompactor.Service;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageNotInflightException;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SqsException;

/**
 * What the consumer relies on in SQS. A backend is added by a subclass that says where it is. Times are whole seconds,
 * since SQS knows no others, and waits are polls.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SqsContract {
    /** The most that a message holds, and all messages of a batch together. */
    private static final int MIB = 1 << 20;

    private SqsClient sqs;
    private String queue;
    private String deadLetters;

    abstract Service service();

    @BeforeAll
    void connect() {
        sqs = SqsClient.builder()
                .endpointOverride(service().endpoint())
                .region(Region.of(service().region()))
                .credentialsProvider(service().credentials())
                .build();
    }

    @AfterAll
    void disconnect() {
        sqs.close();
    }

    @BeforeEach
    void makeQueues() {
        var name = "contract-" + UUID.randomUUID();
        deadLetters = sqs.createQueue(r -> r.queueName(name + "-dlq")).queueUrl();
        queue = sqs.createQueue(r -> r.queueName(name)
                        .attributes(Map.of(
                                QueueAttributeName.VISIBILITY_TIMEOUT,
                                "60",
                                QueueAttributeName.REDRIVE_POLICY,
                                "{\"deadLetterTargetArn\":\"" + arn(deadLetters) + "\",\"maxReceiveCount\":\"2\"}")))
                .queueUrl();
    }

    @AfterEach
    void removeQueues() {
        sqs.deleteQueue(r -> r.queueUrl(queue));
        sqs.deleteQueue(r -> r.queueUrl(deadLetters));
    }

    @Test
    void arns_name_the_region() {
        assertThat(arn(queue)).matches("arn:aws:sqs:" + service().region() + ":\\d{12}:contract-.*");
    }

    @Test
    void a_received_message_is_hidden_until_it_is_handed_back() {
        send("work");
        var message = receiveOne();
        assertThat(receiveNow()).isEmpty();

        changeVisibility(message, 0);
        var again = receiveOne();
        assertThat(again.body()).isEqualTo("work");
        assertThat(again.messageId()).isEqualTo(message.messageId());
    }

    @Test
    void a_message_comes_back_when_its_time_is_over_and_counts_its_receives() {
        send("work");
        var first = receive(sqs, 1, 1);
        assertThat(first).hasSize(1);
        assertThat(receiveCount(first.getFirst())).isEqualTo(1);
        var second = receiveOne();
        assertThat(receiveCount(second)).isEqualTo(2);
    }

    @Test
    void an_extension_counts_from_now() {
        send("work");
        var message = receive(sqs, 1, 2).getFirst();
        changeVisibility(message, 60);
        await().pollDelay(Duration.ofSeconds(3))
                .untilAsserted(() -> assertThat(receiveNow()).isEmpty());
        changeVisibility(message, 1);
        assertThat(receiveOne().messageId()).isEqualTo(message.messageId());
    }

    @Test
    void more_than_twelve_hours_are_refused() {
        send("work");
        var message = receiveOne();
        if (service().deviates(Deviation.TAKES_MORE_THAN_TWELVE_HOURS)) {
            changeVisibility(message, 43_201);
            return;
        }
        assertThatThrownBy(() -> changeVisibility(message, 43_201)).isInstanceOf(SqsException.class);
    }

    @Test
    void what_nobody_holds_cannot_be_hidden() {
        send("work");
        var message = receiveOne();
        changeVisibility(message, 0);
        if (service().deviates(Deviation.HIDES_WHAT_NOBODY_HOLDS)) {
            changeVisibility(message, 60);
            return;
        }
        assertThatThrownBy(() -> changeVisibility(message, 60)).isInstanceOf(MessageNotInflightException.class);
    }

    @Test
    void a_deleted_message_does_not_come_back() {
        send("work");
        var message = receive(sqs, 1, 1).getFirst();
        delete(message);
        await().pollDelay(Duration.ofSeconds(2))
                .untilAsserted(() -> assertThat(receiveNow()).isEmpty());
    }

    @Test
    void a_superseded_handle_is_refused_or_deletes_but_breaks_nothing() {
        send("work");
        var old = receiveOne();
        changeVisibility(old, 0);
        var current = receiveOne();
        tolerantly(() -> delete(old));
        delete(current);
        tolerantly(() -> delete(current));
        assertThat(receiveNow()).isEmpty();
    }

    /** AWS takes a stale handle silently, others answer that it is invalid; anything else is wrong. */
    private static void tolerantly(Runnable call) {
        try {
            call.run();
        } catch (SqsException e) {
            assertThat(e.statusCode()).isBetween(400, 499);
        }
    }

    @Test
    void after_its_last_receive_a_message_is_moved_with_body_and_attributes() {
        sqs.sendMessage(r -> r.queueUrl(queue)
                .messageBody("{\"operation\":\"nonsense\"}")
                .messageAttributes(Map.of("trace", text("00-abc"), "attempt", number("3"))));
        changeVisibility(receiveOne(), 0);
        changeVisibility(receiveOne(), 0);
        assertThat(receiveNow()).isEmpty(); // this receive would be the third

        var letter = await().until(() -> receive(sqs, deadLetters, 1, 60), l -> !l.isEmpty())
                .getFirst();
        assertThat(letter.body()).isEqualTo("{\"operation\":\"nonsense\"}");
        assertThat(letter.messageAttributes())
                .containsExactlyInAnyOrderEntriesOf(Map.of("trace", text("00-abc"), "attempt", number("3")));
    }

    @Test
    void attributes_and_text_of_any_script_arrive_as_sent() {
        sqs.sendMessage(r -> r.queueUrl(queue)
                .messageBody("日本語 \"quotes\" <xml> & ü")
                .messageAttributes(Map.of("note", text("ünïcode <&>"))));
        var message = receiveOne();
        assertThat(message.body()).isEqualTo("日本語 \"quotes\" <xml> & ü");
        assertThat(message.messageAttributes()).containsEntry("note", text("ünïcode <&>"));
        assertThat(message.attributes())
                .containsKeys(
                        MessageSystemAttributeName.SENT_TIMESTAMP,
                        MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT);
    }

    @Test
    void a_long_poll_answers_as_soon_as_a_message_arrives() {
        var begun = System.nanoTime();
        var poll = CompletableFuture.supplyAsync(() ->
                sqs.receiveMessage(r -> r.queueUrl(queue).waitTimeSeconds(15)).messages());
        await().pollDelay(Duration.ofSeconds(1)).until(() -> !poll.isDone());
        send("late");
        assertThat(poll.orTimeout(14, TimeUnit.SECONDS).join())
                .extracting(Message::body)
                .containsExactly("late");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(12));
    }

    @Test
    void a_delayed_message_is_not_there_yet() {
        sqs.sendMessage(r -> r.queueUrl(queue).messageBody("later").delaySeconds(2));
        assertThat(receiveNow()).isEmpty();
        assertThat(receiveOne().body()).isEqualTo("later");
    }

    @Test
    void ten_go_in_a_batch_and_come_in_one_receive_or_more() {
        var entries = IntStream.range(0, 10)
                .mapToObj(i -> entry("m" + i, "body " + i, 0))
                .toList();
        var sent = sqs.sendMessageBatch(r -> r.queueUrl(queue).entries(entries));
        assertThat(sent.successful()).hasSize(10);
        assertThat(sent.failed()).isEmpty();

        var received = new ArrayList<Message>();
        await().until(() -> {
            received.addAll(receive(sqs, 10, 60));
            return received.size() == 10;
        });
        assertThat(received).extracting(Message::messageId).doesNotHaveDuplicates();
        var deleted = sqs.deleteMessageBatch(r -> r.queueUrl(queue)
                .entries(received.stream()
                        .map(m -> DeleteMessageBatchRequestEntry.builder()
                                .id(m.messageId())
                                .receiptHandle(m.receiptHandle())
                                .build())
                        .toList()));
        assertThat(deleted.successful()).hasSize(10);
    }

    @Test
    void a_batch_that_fails_in_part_names_the_parts() {
        var sent = sqs.sendMessageBatch(r -> r.queueUrl(queue).entries(entry("good", "1", 0), entry("bad", "2", 901)));
        if (service().deviates(Deviation.TAKES_MORE_THAN_FIFTEEN_MINUTES_OF_DELAY)) {
            assertThat(sent.failed()).isEmpty();
        } else {
            assertThat(sent.successful()).extracting(e -> e.id()).containsExactly("good");
            assertThat(sent.failed()).extracting(BatchResultErrorEntry::id).containsExactly("bad");
            assertThat(sent.failed().getFirst().senderFault()).isTrue();
        }

        var message = receiveOne();
        var deleted = sqs.deleteMessageBatch(r -> r.queueUrl(queue)
                .entries(
                        DeleteMessageBatchRequestEntry.builder()
                                .id("good")
                                .receiptHandle(message.receiptHandle())
                                .build(),
                        DeleteMessageBatchRequestEntry.builder()
                                .id("bad")
                                .receiptHandle("no such handle")
                                .build()));
        assertThat(deleted.successful()).extracting(e -> e.id()).contains("good");
    }

    @Test
    void a_mebibyte_is_taken_and_a_byte_more_is_not() {
        send("x".repeat(MIB));
        assertThat(receiveOne().body()).hasSize(MIB);
        assertThatThrownBy(() -> send("x".repeat(MIB + 1)))
                .isInstanceOfSatisfying(
                        SqsException.class, e -> assertThat(e.statusCode()).isEqualTo(400));
    }

    @Test
    void a_batch_is_no_larger_than_a_message() {
        var half = "x".repeat(MIB / 2 + 1);
        assertThatThrownBy(() ->
                        sqs.sendMessageBatch(r -> r.queueUrl(queue).entries(entry("a", half, 0), entry("b", half, 0))))
                .isInstanceOf(SqsException.class);
    }

    @Test
    void the_queue_tells_how_many_wait_and_how_many_are_out() {
        send("1");
        send("2");
        send("3");
        receiveOne();
        await().untilAsserted(() -> {
            var counts = sqs.getQueueAttributes(r -> r.queueUrl(queue)
                            .attributeNames(
                                    QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
                                    QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE))
                    .attributes();
            assertThat(counts).containsEntry(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES, "2");
            assertThat(counts).containsEntry(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE, "1");
        });
    }

    private void send(String body) {
        sqs.sendMessage(r -> r.queueUrl(queue).messageBody(body));
    }

    private Message receiveOne() {
        var found = receive(sqs, queue, 1, 60);
        assertThat(found).as("messages within ten seconds").hasSize(1);
        return found.getFirst();
    }

    private List<Message> receiveNow() {
        return sqs.receiveMessage(r -> r.queueUrl(queue).waitTimeSeconds(0)).messages();
    }

    private List<Message> receive(SqsClient client, int most, int visibilitySeconds) {
        return receive(client, queue, most, visibilitySeconds);
    }

    private static List<Message> receive(SqsClient client, String queue, int most, int visibilitySeconds) {
        return client.receiveMessage(r -> r.queueUrl(queue)
                        .maxNumberOfMessages(most)
                        .waitTimeSeconds(10)
                        .visibilityTimeout(visibilitySeconds)
                        .messageAttributeNames("All")
                        .messageSystemAttributeNames(MessageSystemAttributeName.ALL))
                .messages();
    }

    private void delete(Message message) {
        sqs.deleteMessage(r -> r.queueUrl(queue).receiptHandle(message.receiptHandle()));
    }

    private void changeVisibility(Message message, int seconds) {
        sqs.changeMessageVisibility(
                r -> r.queueUrl(queue).receiptHandle(message.receiptHandle()).visibilityTimeout(seconds));
    }

    private static int receiveCount(Message message) {
        return Integer.parseInt(message.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT));
    }

    private String arn(String url) {
        var answer = sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(QueueAttributeName.QUEUE_ARN));
        return answer.attributes().getOrDefault(QueueAttributeName.QUEUE_ARN, "");
    }

    private static SendMessageBatchRequestEntry entry(String id, String body, int delaySeconds) {
        return SendMessageBatchRequestEntry.builder()
                .id(id)
                .messageBody(body)
                .delaySeconds(delaySeconds)
                .build();
    }

    private static MessageAttributeValue text(String value) {
        return MessageAttributeValue.builder()
                .dataType("String")
                .stringValue(value)
                .build();
    }

    private static MessageAttributeValue number(String value) {
        return MessageAttributeValue.builder()
                .dataType("Number")
                .stringValue(value)
                .build();
    }
}
