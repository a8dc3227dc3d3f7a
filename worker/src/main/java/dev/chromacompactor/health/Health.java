package dev.chromacompactor.health;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a worker is alive ("polling and progressing") and ready. Alive is what a restart would mend if it were not: a worker
 * that is paused, or whose queue does not answer, is alive and says so.
 */
public final class Health {
    /** A long poll of 20 s with its repetitions, or a rest of 30 s. */
    static final Duration TURN_BOUND = Duration.ofSeconds(90);
    /** Nothing that a job waits for takes so long: calls time out after half a minute. */
    static final Duration QUIET_BOUND = Duration.ofMinutes(15);

    /** Jobs that this machine could not do, one after the other, and for how long that may go on. */
    static final int NODE_FAULTS = 3;

    static final Duration NODE_PATIENCE = Duration.ofMinutes(1);

    private enum Stage {
        STARTING,
        RUNNING,
        DRAINING
    }

    private final InstantSource clock;
    private final Progress progress;
    private volatile Stage stage = Stage.STARTING;
    private volatile @Nullable Signs signs;
    private @Nullable Instant faultySince;

    public Health(InstantSource clock, Progress progress) {
        this.clock = clock;
        this.progress = progress;
    }

    /** From here on the consumer polls. */
    public void running(Signs consumer) {
        signs = consumer;
        stage = Stage.RUNNING;
    }

    /** From here on it takes nothing more and ends. */
    public void draining() {
        stage = Stage.DRAINING;
    }

    public Verdict ready() {
        return switch (stage) {
            case STARTING -> new Verdict(false, List.of("starting"), List.of());
            case RUNNING -> new Verdict(true, List.of(), List.of());
            case DRAINING -> new Verdict(false, List.of("draining"), List.of());
        };
    }

    public Verdict live() {
        List<String> problems = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        for (Progress.Sign job : progress.look()) {
            if (job.quiet().compareTo(QUIET_BOUND) > 0) {
                problems.add("job " + job.job() + " has neither computed nor transferred anything for " + job.quiet());
            } else {
                notes.add("job " + job.job() + " has run for " + job.running());
            }
        }
        Signs now = signs;
        if (stage == Stage.RUNNING && now != null) {
            poller(now, problems, notes);
            node(now, problems);
        } else {
            notes.add(stage == Stage.DRAINING ? "draining" : "starting");
        }
        return Verdict.of(problems, notes);
    }

    private void poller(Signs now, List<String> problems, List<String> notes) {
        Duration turn = Duration.between(now.lastTurn(), clock.instant());
        boolean full = now.busy() >= now.slots();
        now.resting().ifPresent(notes::add);
        if (!now.pollerAlive()) {
            problems.add("the poller has ended, nothing is received any more");
        } else if (!full && turn.compareTo(TURN_BOUND) > 0) {
            problems.add("the poller has not gone round for " + turn + ", though slots are free");
        }
        notes.add(now.busy() + " of " + now.slots() + " slots are busy");
        notes.add("the poller last went round " + turn + " ago");
        notes.add("the last answer of the queue is " + Duration.between(now.lastPoll(), clock.instant()) + " old");
        notes.add("the last progress was " + Duration.between(now.lastProgress(), clock.instant()) + " ago");
    }

    private synchronized void node(Signs now, List<String> problems) {
        if (now.handedBackInARow() == 0) {
            faultySince = null;
            return;
        }
        if (faultySince == null) {
            faultySince = clock.instant();
        }
        Duration lasting = Duration.between(faultySince, clock.instant());
        if (now.handedBackInARow() >= NODE_FAULTS && lasting.compareTo(NODE_PATIENCE) >= 0) {
            problems.add("this machine could not do the last " + now.handedBackInARow() + " jobs, for " + lasting);
        }
    }
}
