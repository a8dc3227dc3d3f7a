package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Acts on the outcome of a job: delete, retry later, dead letter, hand back. */
final class Settlement {
    private static final Logger log = LoggerFactory.getLogger(Settlement.class);
    private static final Duration LONGEST_BACKOFF = Duration.ofMinutes(5);

    private final SqsQueue work;
    private final SqsQueue deadLetters;
    private final MessageHandler handler;
    private final InstantSource clock;
    private final String build;
    private final Attempts attempts;
    private final Backoff backoff;
    private final AtomicInteger handedBackInARow = new AtomicInteger();

    Settlement(
            SqsQueue work,
            SqsQueue deadLetters,
            MessageHandler handler,
            Consumer.Settings settings,
            InstantSource clock) {
        this.work = work;
        this.deadLetters = deadLetters;
        this.handler = handler;
        this.clock = clock;
        this.build = settings.build();
        this.attempts = new Attempts(settings.maxAttempts());
        this.backoff = new Backoff(settings.firstBackoff(), LONGEST_BACKOFF, RandomGenerator.getDefault());
    }

    /** The message as the handler sees it. */
    Delivery delivery(ReceivedMessage message) {
        return new Delivery(
                message.id(),
                message.body(),
                ReceivedMessage.texts(LetterFormat.original(message.attributes())),
                message.receives(),
                attempts.of(message.id()).counted());
    }

    /** How many jobs were handed back since this machine last did one, well or to a reasoned end. */
    int handedBackInARow() {
        return handedBackInARow.get();
    }

    /**
     * Ends the lease and acts.
     *
     * @throws FailureException if SQS does not take it: the message stays and comes again
     */
    void settle(Held job, Outcome outcome) {
        var before = job.lease().settle();
        if (before == Lease.State.SETTLED) {
            return;
        }
        if (before == Lease.State.LOST && !(outcome instanceof Outcome.Done)) {
            // Somebody else has it, or will: it is no longer ours to judge.
            logEnd(job, "lost", null, null);
            return;
        }
        switch (outcome) {
            case Outcome.Done(var what) -> {
                if (!work.delete(job.message().handle())) {
                    log.atWarn()
                            .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                            .log("message done but no longer ours to delete; doing it again is harmless");
                }
                attempts.forget(job.message().id());
                handedBackInARow.set(0);
                logEnd(job, "done", null, what);
            }
            case Outcome.RetryLater(var failure) -> retry(job, failure);
            case Outcome.DeadLetter(var failure) -> bury(job, remember(job, failure), "permanent");
            case Outcome.HandBack(var failure) -> {
                handedBackInARow.incrementAndGet();
                release(job.message());
                logEnd(job, "hand-back", failure, null);
            }
        }
    }

    private Attempts.History remember(Held job, Failure failure) {
        return attempts.add(
                job.message().id(), new Attempts.Attempt(clock.instant(), failure, Fingerprint.of(failure)));
    }

    private void retry(Held job, Failure failure) {
        var history = remember(job, failure);
        switch (attempts.judge(history, job.message().receives())) {
            case TRY_AGAIN -> {
                var delay = backoff.after(job.message().receives(), job.lease().ceiling());
                work.changeVisibility(job.message().handle(), delay);
                logEnd(job, "retry", failure, "in " + delay);
            }
            case REPEATED -> giveUp(job, history, "repeated");
            case SPENT -> giveUp(job, history, "spent");
        }
    }

    /** Whoever waits for a result of this message learns of it before the letter is there. */
    private void giveUp(Held job, Attempts.History history, String verdict) {
        handler.givenUp(delivery(job.message()), history.latest().getLast().failure());
        bury(job, history, verdict);
    }

    /** First the letter, then the delete: dying in between leaves a second letter, never none. */
    private void bury(Held job, Attempts.History history, String verdict) {
        var message = job.message();
        var failure = history.latest().getLast().failure();
        var lineage = Lineage.of(message);
        var report = new FailureReport(
                (Attempts.counts(failure.blame()) ? Blame.INPUT : failure.blame()).label(),
                failure.reason(),
                failure.message(),
                verdict,
                Fingerprint.of(failure),
                job.summary().inputKeys(),
                job.summary().inputKeys().size(),
                history.latest().stream().map(Settlement::reported).toList(),
                message.receives(),
                lineage.firstSeen(),
                clock.instant(),
                lineage.messageId(),
                build,
                lineage.replays());
        var _ = deadLetters.send(message.body(), LetterFormat.seal(message, report));
        var _ = work.delete(message.handle());
        attempts.forget(message.id());
        handedBackInARow.set(0);
        logEnd(job, "dead-letter", failure, verdict);
    }

    private static FailureReport.Attempt reported(Attempts.Attempt attempt) {
        return new FailureReport.Attempt(
                attempt.at(),
                attempt.failure().blame().label(),
                attempt.failure().reason(),
                FailureReport.cut(attempt.failure().message(), FailureReport.ATTEMPT_MESSAGE_CHARS));
    }

    /** Visible again at once; if that fails, when its timeout ends. */
    void release(ReceivedMessage message) {
        try {
            work.changeVisibility(message.handle(), Duration.ZERO);
        } catch (FailureException e) {
            log.atWarn()
                    .addKeyValue(Keys.MESSAGE_ID, message.id())
                    .addKeyValue(Keys.MESSAGE, e.failure().message())
                    .log("message not handed back, it is visible again when its timeout ends");
        }
    }

    private static void logEnd(Held job, String outcome, @Nullable Failure failure, @Nullable String what) {
        var line = log.atInfo()
                .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                .addKeyValue(Keys.JOB, job.summary().operation())
                .addKeyValue(Keys.BATCH_ID, job.summary().batchId())
                .addKeyValue(Keys.DATABASE, job.summary().database())
                .addKeyValue(Keys.OUTCOME, outcome)
                .addKeyValue(Keys.ELAPSED_MILLIS, job.lease().age().toMillis());
        if (failure != null) {
            line = line.addKeyValue(Keys.BLAME, failure.blame().label())
                    .addKeyValue(Keys.REASON, failure.reason())
                    .addKeyValue(Keys.MESSAGE, failure.message());
        }
        line.log(what == null ? "job ended" : "job ended: " + what);
    }
}
