package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Letters that SQS itself moved: received too often, and no worker lived to say why. Whoever waits for a result of them is told,
 * so that a batch does not wait for ever; the letters stay as they are.
 */
final class Redriven {
    private static final Logger log = LoggerFactory.getLogger(Redriven.class);

    /** For so long letters are hidden from others, at most. */
    private static final Duration HOLD = Duration.ofSeconds(10);
    /** When to look first, and how often to ask whether there is time for it. */
    private static final Duration SOON = Duration.ofSeconds(10);
    /** The shortest time between two looks, and the longest that one is put off. */
    private static final Duration EVERY = Duration.ofMinutes(5);
    /** In one look; SQS gives others the next time. */
    private static final int MOST_RECEIVES = 20;
    /** Letters remembered as told. */
    private static final int TOLD = 10_000;

    private final SqsQueue letters;
    private final MessageHandler handler;
    private final Attempts attempts;

    private final Map<String, Boolean> told = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > TOLD;
        }
    };

    Redriven(SqsQueue letters, MessageHandler handler, Attempts attempts) {
        this.letters = letters;
        this.handler = handler;
        this.attempts = attempts;
    }

    /**
     * Looks soon, then every five to ten minutes. A worker with its hands full puts it off, by five minutes at most: SQS takes
     * many receives to move a message, so nobody waits for it in a hurry.
     *
     * @param busy whether there is more to do than one can
     * @param stopped whether to look no more
     */
    void start(Timer timer, BooleanSupplier busy, BooleanSupplier stopped) {
        look(timer, busy, stopped, SOON, EVERY);
    }

    private void look(Timer timer, BooleanSupplier busy, BooleanSupplier stopped, Duration in, Duration patience) {
        var _ = timer.after(in, () -> {
            if (stopped.getAsBoolean()) {
                return;
            }
            if (busy.getAsBoolean() && patience.isPositive()) {
                look(timer, busy, stopped, SOON, patience.minus(SOON));
                return;
            }
            try {
                look();
            } catch (FailureException e) {
                log.atWarn()
                        .addKeyValue(Keys.REASON, e.failure().reason())
                        .addKeyValue(Keys.MESSAGE, e.failure().message())
                        .log("dead letters not looked at, tried again later");
            } finally {
                if (!stopped.getAsBoolean()) {
                    // Spread over the workers.
                    long more = RandomGenerator.getDefault().nextLong(EVERY.toMillis());
                    look(timer, busy, stopped, EVERY.plusMillis(more), EVERY);
                }
            }
        });
    }

    /** Looks through some letters, if there are any. */
    void look() {
        if (letters.depth().visible() == 0) {
            return;
        }
        var seen = new ArrayList<ReceivedMessage>();
        try {
            for (int i = 0; i < MOST_RECEIVES; i++) {
                var some = letters.receive(SqsQueue.BATCH, Duration.ZERO, HOLD);
                if (some.isEmpty()) {
                    break;
                }
                seen.addAll(some);
            }
        } finally {
            letters.changeVisibility(handles(seen), Duration.ZERO);
        }
        seen.stream()
                .filter(letter -> !letter.texts().containsKey(LetterFormat.FAILURE))
                .filter(letter -> !told.containsKey(letter.id()))
                .forEach(this::tell);
    }

    private void tell(ReceivedMessage letter) {
        // Only marks can say that a worker died of it: machines and services that fail use up receives too.
        boolean deadly = attempts.known(letter.id(), letter.receives() + 1).hasDeaths();
        var failure = new Failure(
                Blame.INPUT,
                deadly ? Attempts.WORKER_DIED : Letter.NATIVE_REDRIVE,
                "SQS moved message " + letter.id()
                        + " to the dead letters: it was received as often as the queue allows, "
                        + "and no worker said why");
        try {
            var texts = ReceivedMessage.texts(LetterFormat.original(letter.attributes()));
            handler.givenUp(new Delivery(letter.id(), letter.body(), texts, letter.receives(), 0), failure);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INPUT) {
                throw e;
            }
            // Nobody can wait for a message that cannot be read.
        }
        attempts.forget(letter.id());
        told.put(letter.id(), true);
        log.atWarn().addKeyValue(Keys.MESSAGE_ID, letter.id()).log("SQS moved a message by itself, its batch was told");
    }

    private static List<String> handles(List<ReceivedMessage> held) {
        return held.stream().map(ReceivedMessage::handle).toList();
    }
}
