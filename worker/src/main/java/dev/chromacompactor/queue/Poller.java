package dev.chromacompactor.queue;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the queue for messages as long as there is room for them, the gate is open and the breaker lets it.
 *
 * <p>One thread waits in long polls. While these come back full a second one fetches beside it, without waiting at SQS, so that
 * room for many messages is filled as fast as two connections can.
 */
final class Poller {
    private static final Logger log = LoggerFactory.getLogger(Poller.class);

    /** After a failed poll; doubled up to the second. */
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    /** A poller that may not poll says at least so often that it is alive. */
    private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(5);

    /** Where messages go. */
    interface Sink {
        void beforePoll();

        void take(List<ReceivedMessage> messages);
    }

    private final SqsQueue work;
    private final Room room;
    private final Gate gate;
    private final Breaker breaker;
    private final Metrics metrics;
    private final Sink sink;
    private final Duration hold;
    private final Duration longPoll;
    private final InstantSource clock;
    private final CountDownLatch stopping;

    /** Virtual, as only there an interrupt ends a call that waits for an answer. */
    private final Thread main = Thread.ofVirtual().name("poller").unstarted(() -> run(this::round));

    private final Thread helper = Thread.ofVirtual().name("helper").unstarted(() -> run(this::help));

    private volatile Instant lastSign;
    private volatile Instant lastTurn;
    private volatile Instant lastEmpty;
    private volatile @Nullable String closedFor;
    private volatile boolean plenty;
    private volatile boolean nothing;

    /**
     * @param hold how long what was received is hidden at first
     * @param longPoll how long SQS waits for a message
     * @param stopping zero when no more polls are wanted
     */
    Poller(
            SqsQueue work,
            Room room,
            Gate gate,
            Breaker breaker,
            Metrics metrics,
            Sink sink,
            Duration hold,
            Duration longPoll,
            InstantSource clock,
            CountDownLatch stopping) {
        this.work = work;
        this.room = room;
        this.gate = gate;
        this.breaker = breaker;
        this.metrics = metrics;
        this.sink = sink;
        this.hold = hold;
        this.longPoll = longPoll;
        this.clock = clock;
        this.stopping = stopping;
        this.lastSign = clock.instant();
        this.lastTurn = lastSign;
        this.lastEmpty = lastSign;
    }

    void start() {
        main.start();
        helper.start();
    }

    boolean isAlive() {
        return main.isAlive();
    }

    /** When it last had an answer of SQS, or was told not to ask: the age of this says whether it is at work. */
    Instant lastSign() {
        return lastSign;
    }

    /** When it last went round, whatever came of it. */
    Instant lastTurn() {
        return lastTurn;
    }

    /** When the queue last had nothing for us. */
    Instant lastEmpty() {
        return lastEmpty;
    }

    /** Whether the last poll was answered, and brought nothing. */
    boolean foundNothing() {
        return nothing;
    }

    /** Whether the last poll came back full. */
    boolean plenty() {
        return plenty;
    }

    /** Why the gate is closed; null if it is open. */
    @Nullable
    String closedFor() {
        return closedFor;
    }

    /**
     * Waits for polls under way to be answered: SQS may have promised them messages, which would stay hidden if nobody heard
     * the answer. Then cuts them off.
     */
    void join(Duration patience) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        for (var thread : List.of(main, helper)) {
            if (!thread.isAlive()) {
                continue;
            }
            if (!thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())))) {
                thread.interrupt();
                var _ = thread.join(Duration.ofSeconds(1));
            }
        }
    }

    /** One step. @return how long to rest after it */
    private interface Step {
        Duration take() throws InterruptedException;
    }

    private void run(Step step) {
        int failedInARow = 0;
        while (stopping.getCount() > 0) {
            try {
                rest(step.take());
                failedInARow = 0;
            } catch (FailureException e) {
                if (stopping.getCount() == 0) {
                    return;
                }
                nothing = false;
                metrics.pollFailed(e.failure().reason());
                log.atWarn()
                        .addKeyValue(Keys.QUEUE, work.url())
                        .addKeyValue(Keys.REASON, e.failure().reason())
                        .addKeyValue(Keys.MESSAGE, e.failure().message())
                        .log("poll failed, tried again after a pause");
                rest(pause(++failedInARow));
            } catch (InterruptedException e) {
                // Only a stop interrupts this thread.
                return;
            } catch (RuntimeException e) {
                // Whatever it is, a worker that has silently stopped polling is worse.
                log.atError().setCause(e).log("poll failed in a way that nobody foresaw, tried again after a pause");
                rest(pause(++failedInARow));
            }
        }
    }

    private static Duration pause(int failedInARow) {
        var pause = FIRST_PAUSE.multipliedBy(1L << Math.min(failedInARow - 1, 10));
        return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
    }

    /** Ends early if the consumer stops. */
    private void rest(Duration pause) {
        try {
            if (pause.isPositive()) {
                var _ = stopping.await(pause.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One poll, if there may be one. @return how long to rest before the next */
    Duration round() throws InterruptedException {
        lastTurn = clock.instant();
        sink.beforePoll();
        var closed = mayNotPoll();
        if (closed.isPositive()) {
            return closed;
        }
        int places = room.take(SqsQueue.BATCH, SIGN_OF_LIFE);
        if (places == 0) {
            lastSign = clock.instant();
            return Duration.ZERO;
        }
        // Much may have happened while there was no room.
        closed = mayNotPoll();
        int wanted = closed.isPositive() ? 0 : breaker.isOpen() ? 1 : places;
        room.give(places - wanted);
        if (wanted > 0) {
            plenty = receive(wanted, longPoll) == SqsQueue.BATCH;
            lastSign = clock.instant();
        }
        return closed;
    }

    /** A poll beside another that came back full. */
    private Duration help() throws InterruptedException {
        if (!plenty || breaker.isOpen() || closedFor != null) {
            return Duration.ofMillis(100);
        }
        int places = room.takeFull();
        if (places == 0) {
            return Duration.ofMillis(10);
        }
        plenty = receive(places, Duration.ZERO) == SqsQueue.BATCH;
        return Duration.ZERO;
    }

    private Duration mayNotPoll() {
        var closed = gate.closed();
        closedFor = closed.map(Gate.Closed::why).orElse(null);
        var pause = closed.map(Poller::askAgain).orElseGet(() -> breaker.untilNextPoll(clock.instant()));
        if (closed.isPresent() || pause.isPositive()) {
            lastSign = clock.instant();
        }
        return pause.compareTo(SIGN_OF_LIFE) < 0 ? pause : SIGN_OF_LIFE;
    }

    private static Duration askAgain(Gate.Closed closed) {
        return closed.askAgain().compareTo(FIRST_PAUSE) < 0 ? FIRST_PAUSE : closed.askAgain();
    }

    private int receive(int places, Duration wait) {
        int free = places;
        try {
            var messages = work.receive(places, wait, hold);
            free -= messages.size();
            nothing = messages.isEmpty();
            metrics.polled(messages.size());
            if (messages.isEmpty()) {
                lastEmpty = clock.instant();
            } else {
                breaker.probed(clock.instant());
                sink.take(messages);
            }
            return messages.size();
        } finally {
            room.give(free);
        }
    }
}
