package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the job of one message, on the thread that asks, and settles it.
 *
 * <p>A message that a worker died of before runs alone: then, if the worker dies again, it is plain which message did it, and
 * none that only stood beside it is blamed.
 */
final class Work {
    private static final Logger log = LoggerFactory.getLogger(Work.class);

    /** For whoever has to be alone, and for those who stand behind him. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final MessageHandler handler;
    private final Attempts attempts;
    private final Settlement settlement;
    private final int slots;
    /** Fair: whoever wants to be alone gets there. */
    private final Semaphore beside;

    Work(MessageHandler handler, Attempts attempts, Settlement settlement, int slots) {
        this.handler = handler;
        this.attempts = attempts;
        this.settlement = settlement;
        this.slots = slots;
        this.beside = new Semaphore(slots, true);
    }

    /** @param settled told once, when the message is no longer ours */
    void run(Held job, Runnable settled) {
        var message = job.message();
        var outcome = job.lease().run(() -> {
            var history = attempts.known(message.id(), message.receives());
            var deadly = attempts.deadly(history);
            return deadly.isPresent() ? new Outcome.DeadLetter(deadly.get()) : run(job, history.hasDeaths());
        });
        var why = job.lease().interruption();
        if (why != null && !(outcome instanceof Outcome.Done)) {
            // Whatever an interrupted job says of its input may come from the interrupt.
            outcome = new Outcome.HandBack(new Failure(Blame.NODE, "interrupted", why));
        }
        if (outcome instanceof Outcome.DeadLetter(var failure)
                && failure.reason().equals(Attempts.WORKER_DIED)) {
            settlement.giveUp(job, failure, settled);
        } else {
            settlement.settle(job, outcome, settled);
        }
    }

    private Outcome run(Held job, boolean alone) {
        int places = alone ? slots : 1;
        try {
            if (!beside.tryAcquire(places, PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                return Outcome.PutOff.later(
                        new Failure(
                                Blame.NODE,
                                "not-alone",
                                "wait for other jobs to end, as a worker died of this message"),
                        job.message().receives());
            }
        } catch (InterruptedException e) {
            return new Outcome.HandBack(new Failure(Blame.NODE, "interrupted", "wait for other jobs to end"));
        }
        try {
            attempts.begin(job.message().id(), job.message().receives());
            return job.lease().interruption() == null
                    ? begun(job)
                    : new Outcome.HandBack(new Failure(Blame.NODE, "interrupted", "begin a job"));
        } finally {
            beside.release(places);
        }
    }

    private Outcome begun(Held job) {
        log.atInfo()
                .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                .addKeyValue(Keys.JOB, job.summary().operation())
                .addKeyValue(Keys.BATCH_ID, job.summary().batchId())
                .addKeyValue(Keys.DATABASE, job.summary().database())
                .addKeyValue(Keys.RECEIVES, job.message().receives())
                .log("job started");
        return outcome(settlement.delivery(job.message()));
    }

    /** Handlers turn failures into outcomes; this is for what they did not think of. */
    private Outcome outcome(Delivery delivery) {
        try {
            return handler.handle(delivery);
        } catch (RuntimeException | StackOverflowError | AssertionError e) {
            logUnforeseen(delivery, e);
            return new Outcome.RetryLater(new Failure(Blame.DOUBTFUL, "unexpected-error", "run a job: " + e));
        } catch (Error e) {
            // Out of memory, a class or library that does not load: another machine may do better.
            logUnforeseen(delivery, e);
            return new Outcome.HandBack(new Failure(Blame.NODE, "worker-broken", "run a job: " + e));
        }
    }

    private static void logUnforeseen(Delivery delivery, Throwable thrown) {
        log.atError()
                .addKeyValue(Keys.MESSAGE_ID, delivery.messageId())
                .setCause(thrown)
                .log("job failed in a way that nobody foresaw");
    }
}
