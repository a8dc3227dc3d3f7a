package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.message.Trace;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.telemetry.Settled;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Acts on the outcome of a job: delete, retry later, dead letter, hand back.
 *
 * <p>What takes its time (marks in the bucket, the letter) is done while the lease goes on; only the last call, which
 * deletes or changes the visibility, comes after its end.
 */
final class Settlement {
    private static final Logger log = LoggerFactory.getLogger(Settlement.class);

    /** How long an SQS that does not answer may hold up a stop. */
    private static final Duration RELEASE = Duration.ofSeconds(2);

    private final SqsQueue work;
    private final Undertaker undertaker;
    private final MessageHandler handler;
    private final Attempts attempts;
    private final Backoff backoff;
    private final Acknowledger acknowledger;
    private final Breaker breaker;
    private final Metrics metrics;
    private final InstantSource clock;
    private final String build;

    Settlement(
            SqsQueue work,
            Undertaker undertaker,
            MessageHandler handler,
            Attempts attempts,
            Backoff backoff,
            Acknowledger acknowledger,
            Breaker breaker,
            Metrics metrics,
            InstantSource clock,
            String build) {
        this.work = work;
        this.undertaker = undertaker;
        this.handler = handler;
        this.attempts = attempts;
        this.backoff = backoff;
        this.acknowledger = acknowledger;
        this.breaker = breaker;
        this.metrics = metrics;
        this.clock = clock;
        this.build = build;
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

    /** @param settled told once, when the message is no longer ours */
    void settle(Held job, Outcome outcome, Runnable settled) {
        if (outcome instanceof Outcome.Done(var what)) {
            done(job, what, settled);
            return;
        }
        orLeave(job, settled, () -> switch (job.lease().state()) {
            case HELD -> undone(job, outcome, settled);
            case LOST -> lost(job);
            case SETTLED -> Then.NOTHING;
        });
    }

    /** Too many workers died of it for this one to try. */
    void giveUp(Held job, Failure failure, Runnable settled) {
        orLeave(job, settled, () -> giveUp(job, attempts.of(job.message().id()), failure, "spent", settled));
    }

    /** What is left to do after a step. */
    private enum Then {
        NOTHING,
        /** Undertaker and acknowledger have it. */
        BURY
    }

    private static void orLeave(Held job, Runnable settled, Supplier<Then> step) {
        var then = Then.NOTHING;
        try {
            then = step.get();
        } catch (FailureException e) {
            logLeft(job, e);
        } finally {
            if (then == Then.NOTHING) {
                var _ = job.lease().settle();
                settled.run();
            }
        }
    }

    private static void logLeft(Held job, FailureException e) {
        log.atWarn()
                .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                .addKeyValue(Keys.REASON, e.failure().reason())
                .addKeyValue(Keys.MESSAGE, e.failure().message())
                .log("outcome not recorded, the message stays and comes again");
    }

    /** Also if the lease was lost: what is durable need not be done again. */
    private void done(Held job, String what, Runnable settled) {
        if (job.lease().state() == Lease.State.SETTLED) {
            settled.run();
            return;
        }
        breaker.succeeded();
        attempts.forget(job.message().id());
        logEnd(job, Settled.DONE, null, what);
        acknowledger.add(job, () -> {
            count(job, Settled.DONE, null);
            settled.run();
        });
    }

    private Then undone(Held job, Outcome outcome, Runnable settled) {
        return switch (outcome) {
            case Outcome.RetryLater retry -> retry(job, retry, settled);
            case Outcome.PutOff(var failure, var delay) -> putOff(job, failure, delay);
            case Outcome.DeadLetter(var failure) -> {
                breaker.succeeded();
                var history =
                        attempts.remember(job.message().id(), job.message().receives(), failure);
                yield bury(job, history, failure, "permanent", settled);
            }
            case Outcome.HandBack(var failure) -> handBack(job, failure);
            case Outcome.Done _ -> throw new IllegalStateException("is not undone");
        };
    }

    /** Somebody else has it, or will: it is no longer ours to judge. */
    private Then lost(Held job) {
        attempts.unmark(job.message().id(), job.message().receives());
        end(job, Settled.LOST, null, null);
        return Then.NOTHING;
    }

    private Then handBack(Held job, Failure failure) {
        if (job.lease().interruption() == null) {
            breaker.failed(Blame.NODE, job.lease().receivedAt(), clock.instant());
        }
        attempts.end(job.message().id(), job.message().receives(), failure);
        if (job.lease().settle() == Lease.State.HELD) {
            release(List.of(job.message()));
        }
        end(job, Settled.HAND_BACK, failure, null);
        return Then.NOTHING;
    }

    private Then retry(Held job, Outcome.RetryLater retry, Runnable settled) {
        var failure = retry.failure();
        var message = job.message();
        if (failure.blame() == Blame.DEPENDENCY) {
            breaker.failed(failure.blame(), job.lease().receivedAt(), clock.instant());
        } else {
            breaker.succeeded();
        }
        var early = untilThen(retry.until());
        if (early.isPositive()) {
            attempts.unmark(message.id(), message.receives());
            // The first try after that time should be soon after it.
            return later(job, failure, message.receives(), early.plusSeconds(1));
        }
        if (!Attempts.counts(failure.blame())) {
            attempts.end(message.id(), message.receives(), failure);
            return later(job, failure, message.receives(), Lease.CEILING);
        }
        var history = attempts.fail(message.id(), message.receives(), failure);
        return switch (attempts.judge(history, message.receives())) {
            case TRY_AGAIN -> later(job, failure, history.counted(), Lease.CEILING);
            case REPEATED -> giveUp(job, history, failure, "repeated", settled);
            case SPENT -> giveUp(job, history, failure, "spent", settled);
        };
    }

    /** As an operator wants it: nobody's fault, so neither the breaker nor the attempts nor the failures count it. */
    private Then putOff(Held job, Failure failure, Duration wanted) {
        breaker.succeeded();
        attempts.unmark(job.message().id(), job.message().receives());
        var ceiling = job.lease().ceiling();
        var delay = wanted.compareTo(ceiling) < 0 ? wanted : ceiling;
        if (job.lease().settle() == Lease.State.HELD) {
            var _ = work.changeVisibility(job.message().handle(), delay);
        }
        count(job, Settled.PUT_OFF, null);
        logEnd(job, Settled.PUT_OFF, failure, "in " + delay);
        return Then.NOTHING;
    }

    private Duration untilThen(@Nullable Instant then) {
        return then == null ? Duration.ZERO : Duration.between(clock.instant(), then);
    }

    /** @param failures how often it failed, which makes the pause */
    private Then later(Held job, Failure failure, int failures, Duration atMost) {
        var ceiling = job.lease().ceiling();
        var delay = backoff.after(failures, atMost.compareTo(ceiling) < 0 ? atMost : ceiling);
        if (job.lease().settle() == Lease.State.HELD) {
            var _ = work.changeVisibility(job.message().handle(), delay);
        }
        end(job, Settled.RETRY, failure, "in " + delay);
        return Then.NOTHING;
    }

    /** Whoever waits for a result of this message learns of it before the letter is there. */
    private Then giveUp(Held job, Attempts.History history, Failure failure, String verdict, Runnable settled) {
        handler.givenUp(delivery(job.message()), failure);
        return bury(job, history, failure, verdict, settled);
    }

    /** First the letter, then the delete: dying in between leaves a second letter, never none. */
    private Then bury(Held job, Attempts.History history, Failure failure, String verdict, Runnable settled) {
        var message = job.message();
        var report = FailureReport.of(
                message, job.summary().inputKeys(), history.attempts(), failure, verdict, build, clock);
        var trace = Trace.current();
        job.lendPlace();
        undertaker.add(message.body(), LetterFormat.seal(message, report), new Undertaker.Then() {
            @Override
            public void sent() {
                attempts.forget(message.id());
                // On a thread that serves all messages.
                Runnable said = () -> logEnd(job, Settled.DEAD_LETTER, failure, verdict);
                trace.ifPresentOrElse(each -> each.run(said), said);
                acknowledger.add(job, () -> {
                    count(job, Settled.DEAD_LETTER, failure);
                    settled.run();
                });
            }

            @Override
            public void failed(FailureException why) {
                logLeft(job, why);
                var _ = job.lease().settle();
                settled.run();
            }
        });
        return Then.BURY;
    }

    /** Of a job that does not end: the mark of its attempt must not say that a worker died. */
    void unmark(Held job) {
        attempts.unmark(job.message().id(), job.message().receives());
    }

    /** Visible again at once; if that fails, when its timeout ends. */
    void release(List<ReceivedMessage> messages) {
        try {
            work.changeVisibility(messages.stream().map(ReceivedMessage::handle).toList(), Duration.ZERO, RELEASE);
        } catch (FailureException e) {
            log.atWarn()
                    .addKeyValue(Keys.QUEUE, work.url())
                    .addKeyValue(Keys.MESSAGE, e.failure().message())
                    .log("messages not handed back, they are visible again when their timeout ends");
        }
    }

    private void end(Held job, Settled outcome, @Nullable Failure failure, @Nullable String what) {
        count(job, outcome, failure);
        logEnd(job, outcome, failure, what);
    }

    private void count(Held job, Settled outcome, @Nullable Failure failure) {
        metrics.settled(outcome, job.summary().operation(), failure, job.lease().age());
    }

    private static void logEnd(Held job, Settled outcome, @Nullable Failure failure, @Nullable String what) {
        var line = log.atInfo()
                .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                .addKeyValue(Keys.JOB, job.summary().operation())
                .addKeyValue(Keys.BATCH_ID, job.summary().batchId())
                .addKeyValue(Keys.DATABASE, job.summary().database())
                .addKeyValue(Keys.OUTCOME, outcome.label())
                .addKeyValue(Keys.ELAPSED_MILLIS, job.lease().age().toMillis());
        if (failure != null) {
            line = line.addKeyValue(Keys.BLAME, failure.blame().label())
                    .addKeyValue(Keys.REASON, failure.reason())
                    .addKeyValue(Keys.MESSAGE, failure.message());
        }
        line.log(what == null ? "job ended" : "job ended: " + what);
    }
}
