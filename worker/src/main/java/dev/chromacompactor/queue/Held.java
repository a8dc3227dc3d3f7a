package dev.chromacompactor.queue;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A message that is ours, from receive to acknowledge. */
final class Held {
    private final ReceivedMessage message;
    private final Lease lease;
    private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.WAITING);
    private @Nullable BodySummary summary;

    Held(ReceivedMessage message, Lease lease) {
        this.message = message;
        this.lease = lease;
    }

    private enum Phase {
        WAITING,
        RUNNING,
        ENDED
    }

    /** True once: for who begins the job. */
    boolean begin() {
        return phase.compareAndSet(Phase.WAITING, Phase.RUNNING);
    }

    /** True once, for who leaves the message to other workers, unless it has begun. */
    boolean skip() {
        return phase.compareAndSet(Phase.WAITING, Phase.ENDED);
    }

    void end() {
        phase.set(Phase.ENDED);
    }

    boolean isWaiting() {
        return phase.get() == Phase.WAITING;
    }

    boolean isRunning() {
        return phase.get() == Phase.RUNNING;
    }

    ReceivedMessage message() {
        return message;
    }

    Lease lease() {
        return lease;
    }

    /** Made when it is first asked for: large bodies take their time. */
    synchronized BodySummary summary() {
        if (summary == null) {
            summary = BodySummary.of(message.body());
        }
        return summary;
    }
}
