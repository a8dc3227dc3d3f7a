package dev.chromacompactor.queue;

import dev.chromacompactor.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/** Sends dead letters, as many in one call as SQS takes. The lease of the original goes on until its letter is there. */
final class Undertaker {
    /** Letters are rare: a call each would cost the good messages more. */
    private static final Duration LINGER = Duration.ofMillis(100);

    private final SqsQueue deadLetters;
    private final Batches<Burial> batches;

    /** Told what became of a letter, once; not of one that a stop cut short. */
    interface Then {
        void sent();

        void failed(FailureException why);
    }

    private record Burial(String body, Map<String, MessageAttributeValue> attributes, int bytes, Then then) {}

    /** @param held messages at this moment, of which each may need a letter */
    Undertaker(SqsQueue deadLetters, IntSupplier held) {
        this.deadLetters = deadLetters;
        this.batches = new Batches<>("undertaker", LINGER, held, 1, this::send);
    }

    void start() {
        batches.start();
    }

    void add(String body, Map<String, MessageAttributeValue> attributes, Then then) {
        batches.add(new Burial(body, attributes, SqsQueue.bytes(body) + LetterFormat.bytes(attributes), then));
    }

    /** Letters that are not on their way yet. */
    int waiting() {
        return batches.waiting();
    }

    void flush() {
        batches.flush();
    }

    void stop(Duration patience) throws InterruptedException {
        batches.stop(patience);
    }

    /** In as few calls as their sizes allow. */
    private void send(List<Burial> burials) {
        var call = new ArrayList<Burial>();
        int size = 0;
        for (var burial : burials) {
            if (size + burial.bytes() > SqsQueue.MAX_BYTES && !call.isEmpty()) {
                sendTogether(call);
                call.clear();
                size = 0;
            }
            call.add(burial);
            size += burial.bytes();
        }
        sendTogether(call);
    }

    private void sendTogether(List<Burial> burials) {
        List<Boolean> sent;
        try {
            sent = deadLetters.send(
                    burials.stream().map(Burial::body).toList(),
                    burials.stream().map(Burial::attributes).toList());
        } catch (FailureException e) {
            burials.forEach(burial -> failed(burial, e));
            return;
        }
        for (int i = 0; i < burials.size(); i++) {
            if (sent.get(i)) {
                burials.get(i).then().sent();
            } else {
                alone(burials.get(i));
            }
        }
    }

    /** Why SQS did not take it is said best by a call of its own. */
    private void alone(Burial burial) {
        try {
            var _ = deadLetters.send(burial.body(), burial.attributes());
        } catch (FailureException e) {
            failed(burial, e);
            return;
        }
        burial.then().sent();
    }

    /** While stopping nobody is told: the message is still held then, and handed back with the rest. */
    private void failed(Burial burial, FailureException why) {
        if (!batches.isStopping()) {
            burial.then().failed(why);
        }
    }
}
