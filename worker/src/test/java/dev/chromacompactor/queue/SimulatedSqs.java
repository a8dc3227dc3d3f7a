package dev.chromacompactor.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageResponse;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;
import software.amazon.awssdk.services.sqs.model.SqsException;

/**
 * SQS on a clock that is told the time, one call at a time: visibility, receipt handles, the twelve hours, native redrive.
 * Queues are made by naming them. Everything else is tried on a real server.
 */
final class SimulatedSqs implements SqsClient {
    private static final Duration CEILING = Duration.ofHours(12);

    private final ManualTimer time;
    private final Map<String, Map<String, Item>> queues = new HashMap<>();
    private final int maxReceives;
    private int ids;

    /** Calls by name, in order. */
    final List<String> calls = new ArrayList<>();

    /** May throw in place of an answer. */
    Fault fault = call -> {};

    interface Fault {
        void on(String call);
    }

    private static final class Item {
        final String body;
        final Map<String, MessageAttributeValue> attributes;
        final Instant sent;
        Instant visible;
        Instant received = Instant.EPOCH;
        int receives;

        Item(String body, Map<String, MessageAttributeValue> attributes, Instant sent) {
            this.body = body;
            this.attributes = attributes;
            this.sent = sent;
            this.visible = sent;
        }
    }

    /** @param maxReceives then a message moves to the queue of the same name with {@code -dlq} */
    SimulatedSqs(ManualTimer time, int maxReceives) {
        this.time = time;
        this.maxReceives = maxReceives;
    }

    SqsQueue queue(String name) {
        return new SqsQueue(this, name);
    }

    synchronized int messages(String name) {
        return items(name).size();
    }

    synchronized int visible(String name) {
        return (int) items(name).values().stream()
                .filter(item -> !item.visible.isAfter(time.instant()))
                .count();
    }

    static SqsException refused(String code) {
        return (SqsException) SqsException.builder()
                .statusCode(400)
                .awsErrorDetails(AwsErrorDetails.builder()
                        .errorCode(code)
                        .errorMessage(code)
                        .build())
                .build();
    }

    private Map<String, Item> items(String queue) {
        return queues.computeIfAbsent(queue, _ -> new TreeMap<>());
    }

    private void called(String name) {
        calls.add(name);
        fault.on(name);
    }

    @Override
    public synchronized SendMessageResponse sendMessage(SendMessageRequest request) {
        called("send");
        var id = "%06d".formatted(ids++);
        items(request.queueUrl()).put(id, new Item(request.messageBody(), request.messageAttributes(), time.instant()));
        return SendMessageResponse.builder().messageId(id).build();
    }

    @Override
    public synchronized SendMessageBatchResponse sendMessageBatch(SendMessageBatchRequest request) {
        called("send-batch");
        for (var entry : request.entries()) {
            items(request.queueUrl())
                    .put(
                            "%06d".formatted(ids++),
                            new Item(entry.messageBody(), entry.messageAttributes(), time.instant()));
        }
        return SendMessageBatchResponse.builder().build();
    }

    @Override
    public synchronized ReceiveMessageResponse receiveMessage(ReceiveMessageRequest request) {
        called("receive");
        var end = time.instant().plusSeconds(request.waitTimeSeconds());
        while (true) {
            var messages = take(request);
            if (!messages.isEmpty() || !time.instant().isBefore(end)) {
                return ReceiveMessageResponse.builder().messages(messages).build();
            }
            var next = items(request.queueUrl()).values().stream()
                    .map(item -> item.visible)
                    .filter(end::isAfter)
                    .min(Instant::compareTo)
                    .orElse(end);
            time.advance(Duration.between(time.instant(), next));
        }
    }

    private List<Message> take(ReceiveMessageRequest request) {
        var messages = new ArrayList<Message>();
        var now = time.instant();
        for (var entry : List.copyOf(items(request.queueUrl()).entrySet())) {
            var item = entry.getValue();
            if (item.visible.isAfter(now)) {
                continue;
            }
            if (item.receives == maxReceives) {
                items(request.queueUrl()).remove(entry.getKey());
                items(request.queueUrl() + "-dlq").put(entry.getKey(), item);
                continue;
            }
            item.receives++;
            item.received = now;
            item.visible = now.plusSeconds(request.visibilityTimeout());
            messages.add(message(entry.getKey(), item));
            if (messages.size() == request.maxNumberOfMessages()) {
                break;
            }
        }
        return messages;
    }

    private static Message message(String id, Item item) {
        return Message.builder()
                .messageId(id)
                .receiptHandle(id + "/" + item.receives)
                .body(item.body)
                .messageAttributes(item.attributes)
                .attributes(Map.of(
                        MessageSystemAttributeName.SENT_TIMESTAMP,
                        String.valueOf(item.sent.toEpochMilli()),
                        MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT,
                        String.valueOf(item.receives)))
                .build();
    }

    /** The message of a handle; null if the handle is no longer good. */
    private @Nullable Item held(String queue, String handle) {
        var item = items(queue).get(id(handle));
        return item != null && handle.endsWith("/" + item.receives) && item.visible.isAfter(time.instant())
                ? item
                : null;
    }

    private static String id(String handle) {
        return handle.substring(0, handle.indexOf('/'));
    }

    private void change(String queue, String handle, int seconds) {
        var item = held(queue, handle);
        var until = time.instant().plusSeconds(seconds);
        if (item == null || until.isAfter(item.received.plus(CEILING))) {
            throw refused("InvalidParameterValue");
        }
        item.visible = until;
    }

    @Override
    public synchronized ChangeMessageVisibilityResponse changeMessageVisibility(
            ChangeMessageVisibilityRequest request) {
        called("change");
        change(request.queueUrl(), request.receiptHandle(), request.visibilityTimeout());
        return ChangeMessageVisibilityResponse.builder().build();
    }

    @Override
    public synchronized ChangeMessageVisibilityBatchResponse changeMessageVisibilityBatch(
            ChangeMessageVisibilityBatchRequest request) {
        called("change-batch");
        request.entries().forEach(entry -> {
            if (held(request.queueUrl(), entry.receiptHandle()) != null) {
                change(request.queueUrl(), entry.receiptHandle(), entry.visibilityTimeout());
            }
        });
        return ChangeMessageVisibilityBatchResponse.builder().build();
    }

    @Override
    public synchronized DeleteMessageResponse deleteMessage(DeleteMessageRequest request) {
        called("delete");
        if (held(request.queueUrl(), request.receiptHandle()) == null) {
            throw refused("ReceiptHandleIsInvalid");
        }
        items(request.queueUrl()).remove(id(request.receiptHandle()));
        return DeleteMessageResponse.builder().build();
    }

    @Override
    public synchronized DeleteMessageBatchResponse deleteMessageBatch(DeleteMessageBatchRequest request) {
        called("delete-batch");
        var failed = new ArrayList<BatchResultErrorEntry>();
        request.entries().forEach(entry -> {
            if (held(request.queueUrl(), entry.receiptHandle()) == null) {
                failed.add(BatchResultErrorEntry.builder()
                        .id(entry.id())
                        .code("ReceiptHandleIsInvalid")
                        .build());
            } else {
                items(request.queueUrl()).remove(id(entry.receiptHandle()));
            }
        });
        return DeleteMessageBatchResponse.builder().failed(failed).build();
    }

    @Override
    public String serviceName() {
        return "sqs";
    }

    @Override
    public void close() {}
}
