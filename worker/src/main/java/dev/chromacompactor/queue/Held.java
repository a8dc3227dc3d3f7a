package dev.chromacompactor.queue;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A message that is ours, from receive to acknowledge, and its place among those that are. */
final class Held {
    private final ReceivedMessage message;
    private final Lease lease;
    private final Room room;
    private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.WAITING);
    private volatile boolean lent;
    private @Nullable BodySummary summary;

    Held(ReceivedMessage message, Lease lease, Room room) {
        this.message = message;
        this.lease = lease;
        this.room = room;
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

    /** Its letter is on the way: others may have its place. Before {@link #leave()}. */
    void lendPlace() {
        lent = true;
        room.lend();
    }

    /** It is no longer ours. */
    void leave() {
        room.give(1);
        if (lent) {
            room.back();
        }
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
