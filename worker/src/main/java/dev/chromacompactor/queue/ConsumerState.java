package dev.chromacompactor.queue;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a health check looks at.
 *
 * @param pollerAlive false: nothing will be received any more
 * @param lastPoll when the poller last had an answer, or was told not to ask
 * @param lastTurn when the poller last went round, whatever came of it: older than a poll can last, it hangs
 * @param lastProgress when a job last began or ended, or the queue had nothing
 * @param running jobs at this moment
 * @param closedFor why the gate lets no polls through; null if it does
 * @param breakerOpen whether polls are rare because job after job fails for a reason that is not the message's
 * @param handedBackInARow jobs that this machine could not do, since it last did one
 * @param draining whether it was asked to stop
 */
public record ConsumerState(
        boolean pollerAlive,
        Instant lastPoll,
        Instant lastTurn,
        Instant lastProgress,
        int running,
        @Nullable String closedFor,
        boolean breakerOpen,
        int handedBackInARow,
        boolean draining) {}
