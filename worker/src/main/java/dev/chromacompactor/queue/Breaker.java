package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import java.time.Duration;
import java.time.Instant;

/**
 * Stops the polling while one job after the other fails for a reason that is not the message's: taking more would only wear
 * them out, and take them from workers that can do them.
 *
 * <p>S3 or SQS failing five times in a row opens it, a failure of this machine at once; anything else that a job comes to
 * closes it. While it is open one message is taken as a probe after each pause, and each probe that fails doubles the pause.
 */
final class Breaker {
    /** Failures of others that are no accident any more. */
    private static final int STRIKES = 5;

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    /** So that an outage is over for us half a minute after it is over. */
    static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private int strikes;
    private boolean open;
    private Duration pause = FIRST_PAUSE;
    private Instant openedAt = Instant.MIN;
    private Instant nextProbe = Instant.MIN;
    private int nodeFailuresInARow;

    synchronized boolean isOpen() {
        return open;
    }

    /** How many jobs in a row this machine could not do. */
    synchronized int nodeFailuresInARow() {
        return nodeFailuresInARow;
    }

    /** How long not to poll; zero if now is the time. */
    synchronized Duration untilNextPoll(Instant now) {
        return open && now.isBefore(nextProbe) ? Duration.between(now, nextProbe) : Duration.ZERO;
    }

    /** A probe has been taken: no other before the next pause is over, as it may take its time. */
    synchronized void probed(Instant now) {
        if (open) {
            nextProbe = now.plus(pause);
        }
    }

    /** @param receivedAt when the job's message was received: what was under way when it opened is no probe */
    synchronized void failed(Blame blame, Instant receivedAt, Instant now) {
        if (blame == Blame.NODE) {
            nodeFailuresInARow++;
        }
        if (open) {
            if (!receivedAt.isBefore(openedAt)) {
                pause = shorter(pause.multipliedBy(2), LONGEST_PAUSE);
                open(now);
            }
            return;
        }
        strikes += blame == Blame.NODE ? STRIKES : 1;
        if (strikes >= STRIKES) {
            pause = FIRST_PAUSE;
            open(now);
        }
    }

    /** Some job came to an end that says something of its message. */
    synchronized void succeeded() {
        strikes = 0;
        nodeFailuresInARow = 0;
        open = false;
    }

    private void open(Instant now) {
        open = true;
        openedAt = now;
        nextProbe = now.plus(pause);
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
