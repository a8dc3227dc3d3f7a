package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.DeadLetterSink;
import dev.chromacompactor.job.Retries;
import dev.chromacompactor.message.Sender;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.retry.RetryUtils;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/**
 * One queue: receive, acknowledge, extend, send.
 *
 * <p>Every failure comes out as {@link Blame#DEPENDENCY}, after the SDK's own three attempts, with the queue's URL in its
 * message; a call that was interrupted says {@code interrupted} and leaves the interrupt set.
 */
public final class SqsQueue implements Sender {
    /** The longest SQS knows. */
    static final Duration LONG_POLL = Duration.ofSeconds(20);
    /** SQS's limit of messages in one call. */
    static final int BATCH = 10;
    /** SQS's limit of a message with its attributes, and of all messages of one call, in bytes. */
    static final int MAX_BYTES = 1024 * 1024;

    /** What SQS answers when a receipt handle is no longer good for anything: expired, superseded, deleted, or over 12 hours. */
    private static final Set<String> GONE =
            Set.of("ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue", "InvalidIdFormat");

    /** For calls that must not outlast the lease they are about. */
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(20);

    private final SqsClient client;
    private final String url;

    SqsQueue(SqsClient client, String url) {
        this.client = client;
        this.url = url;
    }

    public String url() {
        return url;
    }

    /**
     * How many messages are visible, held by somebody, and not yet due. Approximate, as SQS says.
     */
    public record Depth(long visible, long inFlight, long delayed) {}

    public Depth depth() {
        var attributes = attributes();
        return new Depth(
                count(attributes, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES),
                count(attributes, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE),
                count(attributes, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED));
    }

    /** All attributes of the queue by their SQS names, such as {@code RedrivePolicy}. */
    public Map<String, String> attributes() {
        return call(
                        "read the attributes of",
                        () -> client.getQueueAttributes(
                                request -> request.queueUrl(url).attributeNames(QueueAttributeName.ALL)))
                .attributesAsStrings();
    }

    private static long count(Map<String, String> attributes, QueueAttributeName name) {
        return Long.parseLong(attributes.getOrDefault(name.toString(), "0"));
    }

    /**
     * Waits for messages.
     *
     * @param wait whole seconds, at most {@link #LONG_POLL}
     * @param visibility whole seconds for which nobody else gets what is returned
     */
    List<ReceivedMessage> receive(int max, Duration wait, Duration visibility) {
        return call(
                        "receive from",
                        () -> client.receiveMessage(request -> request.queueUrl(url)
                                .maxNumberOfMessages(max)
                                .waitTimeSeconds((int) wait.toSeconds())
                                .visibilityTimeout((int) visibility.toSeconds())
                                .messageAttributeNames("All")
                                .messageSystemAttributeNames(MessageSystemAttributeName.ALL)))
                .messages()
                .stream()
                .map(message ->
                        ReceivedMessage.of(message, InstantSource.system().instant()))
                .toList();
    }

    /** True unless the message is no longer this receive's. (AWS also accepts some superseded handles.) */
    boolean delete(String handle) {
        return unlessGone(
                "delete from",
                () -> client.deleteMessage(request -> request.queueUrl(url)
                        .receiptHandle(handle)
                        .overrideConfiguration(configuration -> configuration.apiCallTimeout(CALL_TIMEOUT))));
    }

    /** What became of one message of a delete of many. */
    enum Deletion {
        DELETED,
        /** It is no longer this receive's. */
        GONE,
        /** It is still there. */
        FAILED
    }

    /**
     * Deletes many in one call.
     *
     * @param handles at most {@link #BATCH}
     * @return in the same order
     */
    List<Deletion> delete(List<String> handles) {
        var entries = new ArrayList<DeleteMessageBatchRequestEntry>();
        for (var handle : handles) {
            entries.add(DeleteMessageBatchRequestEntry.builder()
                    .id("m" + entries.size())
                    .receiptHandle(handle)
                    .build());
        }
        var answers = new ArrayList<>(Collections.nCopies(handles.size(), Deletion.DELETED));
        call(
                        "delete from",
                        () -> client.deleteMessageBatch(request -> request.queueUrl(url)
                                .entries(entries)
                                .overrideConfiguration(configuration -> configuration.apiCallTimeout(CALL_TIMEOUT))))
                .failed()
                .forEach(failed -> answers.set(
                        Integer.parseInt(failed.id().substring(1)),
                        GONE.contains(shortCode(failed.code())) ? Deletion.GONE : Deletion.FAILED));
        return answers;
    }

    /**
     * From now on nobody else gets the message for that long; zero: at once.
     *
     * @param visibility whole seconds
     * @return false if the message is no longer this receive's
     */
    boolean changeVisibility(String handle, Duration visibility) {
        return changeVisibility(handle, visibility, CALL_TIMEOUT);
    }

    boolean changeVisibility(String handle, Duration visibility, Duration patience) {
        return unlessGone(
                "change the visibility of a message of",
                () -> client.changeMessageVisibility(request -> request.queueUrl(url)
                        .receiptHandle(handle)
                        .visibilityTimeout((int) visibility.toSeconds())
                        .overrideConfiguration(configuration -> configuration.apiCallTimeout(patience))));
    }

    /** As {@link #changeVisibility(String, Duration)}, for many; those that are gone are left out. */
    void changeVisibility(List<String> handles, Duration visibility) {
        changeVisibility(handles, visibility, CALL_TIMEOUT);
    }

    /** @param patience for each call, of ten messages at most */
    void changeVisibility(List<String> handles, Duration visibility, Duration patience) {
        for (int from = 0; from < handles.size(); from += BATCH) {
            var entries = new ArrayList<ChangeMessageVisibilityBatchRequestEntry>();
            for (var handle : handles.subList(from, Math.min(handles.size(), from + BATCH))) {
                entries.add(ChangeMessageVisibilityBatchRequestEntry.builder()
                        .id("m" + entries.size())
                        .receiptHandle(handle)
                        .visibilityTimeout((int) visibility.toSeconds())
                        .build());
            }
            var _ = call(
                    "change the visibility of messages of",
                    () -> client.changeMessageVisibilityBatch(request -> request.queueUrl(url)
                            .entries(entries)
                            .overrideConfiguration(configuration -> configuration.apiCallTimeout(patience))));
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>As few calls as SQS's limits allow; what is refused in part is sent again, up to three times.
     *
     * @throws FailureException {@code message-too-large} ({@code INPUT}) before anything is sent
     */
    @Override
    public void send(List<String> bodies) {
        send(bodies, Duration.ZERO);
    }

    /** As {@link #send(List)}. */
    @Override
    public void send(List<String> bodies, Duration delay) {
        for (var body : bodies) {
            if (bytes(body) > MAX_BYTES) {
                throw FailureException.input(
                        "message-too-large",
                        "send to " + url + ": a message of " + bytes(body) + " bytes, more than SQS's " + MAX_BYTES);
            }
        }
        var call = new ArrayList<String>();
        int size = 0;
        for (var body : bodies) {
            if (call.size() == BATCH || size + bytes(body) > MAX_BYTES) {
                sendTogether(call, delay);
                call.clear();
                size = 0;
            }
            call.add(body);
            size += bytes(body);
        }
        if (!call.isEmpty()) {
            sendTogether(call, delay);
        }
    }

    /** Sends one message; returns its id. */
    String send(String body, Map<String, MessageAttributeValue> attributes) {
        return call(
                        "send to",
                        () -> client.sendMessage(request ->
                                request.queueUrl(url).messageBody(body).messageAttributes(attributes)))
                .messageId();
    }

    /**
     * Sends messages with their attributes in one call.
     *
     * @param bodies at most {@link #BATCH}, all together at most {@link #MAX_BYTES} with their attributes
     * @return for each whether it was taken
     */
    List<Boolean> send(List<String> bodies, List<Map<String, MessageAttributeValue>> attributes) {
        var entries = new ArrayList<SendMessageBatchRequestEntry>();
        for (int i = 0; i < bodies.size(); i++) {
            entries.add(SendMessageBatchRequestEntry.builder()
                    .id("m" + i)
                    .messageBody(bodies.get(i))
                    .messageAttributes(attributes.get(i))
                    .build());
        }
        var taken = new ArrayList<>(Collections.nCopies(bodies.size(), true));
        call(
                        "send to",
                        () -> client.sendMessageBatch(
                                request -> request.queueUrl(url).entries(entries)))
                .failed()
                .forEach(failed -> taken.set(Integer.parseInt(failed.id().substring(1)), false));
        return taken;
    }

    /**
     * This queue as the place for letters about work whose own message is gone.
     *
     * @param build what the letters name as the worker's build
     */
    public DeadLetterSink letters(String build, InstantSource clock) {
        return (body, failure) -> {
            var now = clock.instant();
            var summary = BodySummary.of(body);
            var fingerprint = Fingerprint.of(failure);
            var report = new FailureReport(
                    failure.blame().label(),
                    failure.reason(),
                    failure.message(),
                    "permanent",
                    fingerprint,
                    summary.inputKeys(),
                    summary.inputKeys().size(),
                    List.of(),
                    0,
                    now,
                    now,
                    "refused-" + fingerprint,
                    build,
                    List.of());
            var _ = send(body, Map.of(LetterFormat.FAILURE, LetterFormat.text(report.json())));
        };
    }

    private void sendTogether(List<String> bodies, Duration delay) {
        var left = new HashMap<String, String>();
        for (var body : bodies) {
            left.put("m" + left.size(), body);
        }
        Retries.ofDependency().run("send to " + url, () -> sendLeft(left, delay));
    }

    /** Sends what is left and takes out what was accepted. */
    private void sendLeft(Map<String, String> left, Duration delay) {
        // Without a number the queue's own delay counts, if it has one.
        Integer seconds = delay.isZero() ? null : (int) delay.toSeconds();
        var entries = left.entrySet().stream()
                .map(entry -> SendMessageBatchRequestEntry.builder()
                        .id(entry.getKey())
                        .messageBody(entry.getValue())
                        .delaySeconds(seconds)
                        .build())
                .toList();
        var answer = call(
                "send to",
                () -> client.sendMessageBatch(request -> request.queueUrl(url).entries(entries)));
        answer.successful().forEach(sent -> left.remove(sent.id()));
        var refused = answer.failed().stream()
                .filter(BatchResultErrorEntry::senderFault)
                .findFirst();
        if (refused.isPresent()) {
            throw new FailureException(
                    Blame.INVARIANT,
                    "message-refused",
                    "send to " + url + ": " + refused.get().code() + " "
                            + refused.get().message());
        }
        if (!left.isEmpty()) {
            throw new FailureException(
                    Blame.DEPENDENCY,
                    "sqs-unavailable",
                    "send to " + url + ": " + left.size() + " of " + entries.size() + " messages were not accepted");
        }
    }

    static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private boolean unlessGone(String what, Supplier<?> request) {
        try {
            var _ = call(what, request);
            return true;
        } catch (FailureException e) {
            if (e.getCause() instanceof AwsServiceException refused
                    && refused.awsErrorDetails() != null
                    && GONE.contains(shortCode(refused.awsErrorDetails().errorCode()))) {
                return false;
            }
            throw e;
        }
    }

    private <T> T call(String what, Supplier<T> request) {
        try {
            return request.get();
        } catch (AbortedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException(Blame.DEPENDENCY, "interrupted", what + " " + url + ": interrupted", e);
        } catch (SdkException e) {
            var reason = Thread.currentThread().isInterrupted() ? "interrupted" : reason(e);
            throw new FailureException(Blame.DEPENDENCY, reason, what + " " + url + ": " + e.getMessage(), e);
        }
    }

    private static String reason(SdkException e) {
        if (e instanceof QueueDoesNotExistException) {
            return "queue-missing";
        }
        if (RetryUtils.isThrottlingException(e)) {
            return "sqs-throttled";
        }
        if (e instanceof AwsServiceException refused && (refused.statusCode() == 401 || refused.statusCode() == 403)) {
            return "sqs-access-denied";
        }
        if (e instanceof AwsServiceException refused && refused.statusCode() >= 400 && refused.statusCode() < 500) {
            return "sqs-refused";
        }
        boolean anonymous = String.valueOf(e.getMessage()).startsWith("Unable to load credentials");
        return anonymous ? "credentials-missing" : "sqs-unavailable";
    }

    /** Servers differ in how they dress the code: {@code ReceiptHandleIsInvalid}, {@code AWS.SimpleQueueService.…}. */
    private static String shortCode(@Nullable String code) {
        return code == null ? "" : code.substring(code.lastIndexOf('.') + 1);
    }
}
