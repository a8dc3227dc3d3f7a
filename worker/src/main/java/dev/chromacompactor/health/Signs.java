package dev.chromacompactor.health;

import java.time.Instant;
import java.util.Optional;

/** What a consumer shows of itself, at any moment and to any thread. */
public interface Signs {
    /** Whether the thread that polls is there. */
    boolean pollerAlive();

    /** When the poller last went round: a poll was answered or failed, or a rest on purpose was over; or the start. */
    Instant lastTurn();

    /** When a poll was last answered, or there was to be none. */
    Instant lastPoll();

    /** When a job last began or ended, or the queue had nothing. */
    Instant lastProgress();

    /** Why it takes no messages although it could: paused, the queue does not answer. Empty: it takes them. */
    Optional<String> resting();

    /** Messages that are held at this moment. */
    int busy();

    /** Messages that can be held. */
    int slots();

    /** Jobs that were handed back since one was last done, because this machine could not do them. */
    int handedBackInARow();
}
