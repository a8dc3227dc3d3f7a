package dev.chromacompactor.queue;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns one receipt handle from receive to acknowledge.
 *
 * <p>A heartbeat extends the visibility at a third of the timeout. It ends in one of three ways: {@link #settle} (then no
 * beat is under way and none will follow, so a backoff set afterwards stands), a lost lease (the handle is no longer good, or
 * could not be extended in time: the job is interrupted before somebody else can get the message), or the ceiling of SQS
 * (12 hours from the receive: the job is interrupted while the message is still held, so that it can be handed back).
 */
final class Lease {
    /** How long SQS lets one receive hold a message, extensions included. */
    static final Duration CEILING = Duration.ofHours(12);

    private static final Logger log = LoggerFactory.getLogger(Lease.class);

    /** The call that extends: for how long, and how long to wait for the answer. False: the message is no longer ours. */
    @FunctionalInterface
    interface Extension {
        boolean extend(Duration visibility, Duration patience);
    }

    enum State {
        HELD,
        LOST,
        SETTLED
    }

    private final String messageId;
    private final Extension extension;
    private final Duration visibility;
    private final Timer timer;
    private final Metrics metrics;
    private final InstantSource clock;
    private final Instant receivedAt;

    /** Held during a beat: who settles waits for a beat under way. Guards the fields below. */
    private final ReentrantLock beating = new ReentrantLock();

    private State state = State.HELD;
    /** How long the message is hidden from the last extension on. */
    private Duration hold;

    private Instant heldUntil;
    private Runnable cancelNext = () -> {};

    /** Guards the two fields below: an interrupt must reach the job, and nothing that its thread does afterwards. */
    private final Object running = new Object();

    private @Nullable Thread worker;
    private @Nullable String interruption;

    /**
     * @param firstHold the visibility that the receive itself asked for
     * @param visibility what each beat extends it to
     */
    Lease(
            String messageId,
            Extension extension,
            Duration firstHold,
            Duration visibility,
            Timer timer,
            Metrics metrics,
            InstantSource clock) {
        this.messageId = messageId;
        this.extension = extension;
        this.visibility = visibility;
        this.timer = timer;
        this.metrics = metrics;
        this.clock = clock;
        this.receivedAt = clock.instant();
        this.hold = firstHold;
        this.heldUntil = receivedAt.plus(firstHold);
    }

    void start() {
        beating.lock();
        try {
            cancelNext = timer.after(hold.dividedBy(3), this::beat);
        } finally {
            beating.unlock();
        }
    }

    /** Runs the job on this thread; only here is it interrupted. The thread comes back without an interrupt. */
    <T> T run(Supplier<T> job) {
        synchronized (running) {
            worker = Thread.currentThread();
            if (interruption != null) {
                worker.interrupt();
            }
        }
        try {
            return job.get();
        } finally {
            synchronized (running) {
                worker = null;
                var _ = Thread.interrupted();
            }
        }
    }

    /** Stops the job. The first reason stays. */
    void interrupt(String why) {
        synchronized (running) {
            if (interruption == null) {
                interruption = why;
            }
            if (worker != null) {
                worker.interrupt();
            }
        }
    }

    /** Why the job was told to stop; null if it was not. */
    @Nullable
    String interruption() {
        synchronized (running) {
            return interruption;
        }
    }

    /**
     * Stops the heartbeat for good.
     *
     * @return what the lease was: only who gets {@code HELD} may change the visibility, and only who does not get
     *     {@code SETTLED} may act at all
     */
    State settle() {
        beating.lock();
        try {
            var before = state;
            state = State.SETTLED;
            cancelNext.run();
            return before;
        } finally {
            beating.unlock();
        }
    }

    /** The message was not acknowledged after all: if there is time left, it is kept again. */
    void resume() {
        beating.lock();
        try {
            if (state == State.SETTLED && clock.instant().isBefore(heldUntil)) {
                state = State.HELD;
                cancelNext = timer.after(Duration.ZERO, this::beat);
            }
        } finally {
            beating.unlock();
        }
    }

    State state() {
        beating.lock();
        try {
            return state;
        } finally {
            beating.unlock();
        }
    }

    Instant receivedAt() {
        return receivedAt;
    }

    /** How much longer SQS lets this receive hide the message, at most. */
    Duration ceiling() {
        var left = Duration.between(clock.instant(), receivedAt.plus(CEILING)).minusSeconds(1);
        return left.isNegative() ? Duration.ZERO : left;
    }

    Duration age() {
        return Duration.between(receivedAt, clock.instant());
    }

    private void beat() {
        beating.lock();
        try {
            if (state != State.HELD) {
                return;
            }
            var now = clock.instant();
            if (!now.isBefore(heldUntil)) {
                lose("the visibility timeout ran out before it could be extended");
            } else if (visibility.compareTo(ceiling()) > 0) {
                interrupt("held for " + age() + ", SQS allows no more than " + CEILING);
            } else {
                extend(now);
            }
        } finally {
            beating.unlock();
        }
    }

    /** One call, over well before the lease is; after a failure the next follows sooner. */
    private void extend(Instant now) {
        try {
            if (!extension.extend(visibility, hold.dividedBy(6))) {
                lose("somebody else has the message, or it is gone");
                return;
            }
            // From before the call: SQS counts from some time during it.
            hold = visibility;
            heldUntil = now.plus(hold);
            cancelNext = timer.after(hold.dividedBy(3), this::beat);
        } catch (FailureException e) {
            failed(e.failure().reason(), e.failure().message());
        } catch (RuntimeException | Error e) {
            // Whatever it is: a lease that ends unseen is worse.
            failed("unexpected-error", e.toString());
        }
    }

    private void failed(String reason, String message) {
        metrics.heartbeatFailed(reason);
        var sixth = hold.dividedBy(6);
        if (clock.instant().plus(sixth).isBefore(heldUntil)) {
            log.atWarn()
                    .addKeyValue(Keys.MESSAGE_ID, messageId)
                    .addKeyValue(Keys.REASON, reason)
                    .addKeyValue(Keys.MESSAGE, message)
                    .log("heartbeat failed, tried again before the lease ends");
            cancelNext = timer.after(sixth, this::beat);
        } else {
            lose("it could not be extended: " + message);
        }
    }

    private void lose(String why) {
        state = State.LOST;
        metrics.leaseLost();
        log.atWarn()
                .addKeyValue(Keys.MESSAGE_ID, messageId)
                .addArgument(why)
                .log("lease lost, job stopped, the message comes again: {}");
        interrupt("lease lost: " + why);
    }
}
