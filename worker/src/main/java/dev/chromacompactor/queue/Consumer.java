package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives messages, runs each as a job, and acts on its outcome.
 *
 * <p>At most {@code concurrency} messages are held at once, and each that is held is being worked on: nothing is fetched ahead.
 * From receive to acknowledge a {@link Lease} keeps the message. Whatever fails on the way to an acknowledgement, the message
 * stays in the queue and comes again; a dead letter is sent before the original is deleted.
 */
public final class Consumer {
    private static final Logger log = LoggerFactory.getLogger(Consumer.class);

    /**
     * What a receive asks for; the first heartbeat extends it. Short, as a poll that is cut off by a stop may have been promised
     * messages whose handles nobody learns: they come back after this time.
     */
    private static final Duration FIRST_HOLD = Duration.ofSeconds(30);

    private static final Duration FIRST_BACKOFF = Duration.ofSeconds(2);
    /** After a failed poll, or a job that this machine could not do; doubled up to the second. */
    private static final Duration FIRST_POLL_PAUSE = Duration.ofMillis(500);

    private static final Duration LONGEST_POLL_PAUSE = Duration.ofSeconds(30);
    /** For interrupted jobs to end, after the drain timeout. */
    private static final Duration GRACE = Duration.ofSeconds(5);

    /**
     * @param concurrency jobs at once
     * @param visibility whole seconds a message stays hidden without a sign of life
     * @param maxAttempts how often an input may fail
     * @param firstBackoff bound of the first pause; it doubles with every receive
     * @param build what dead letters name as the worker's build
     */
    public record Settings(int concurrency, Duration visibility, int maxAttempts, Duration firstBackoff, String build) {
        public Settings(int concurrency, Duration visibility, int maxAttempts, String build) {
            this(concurrency, visibility, maxAttempts, FIRST_BACKOFF, build);
        }

        public Settings {
            if (concurrency < 1 || maxAttempts < 1) {
                throw new IllegalArgumentException("concurrency " + concurrency + ", max attempts " + maxAttempts);
            }
            if (visibility.toSeconds() < 1 || visibility.toNanosPart() != 0) {
                throw new IllegalArgumentException("visibility " + visibility + " is not in whole seconds");
            }
        }
    }

    /**
     * How a stop went.
     *
     * @param interrupted jobs that took too long; their messages are visible again, unless they were done after all
     * @param abandoned of these, jobs that did not react to the interrupt; their threads are daemons
     */
    public record Drained(int interrupted, int abandoned) {}

    private final SqsQueue work;
    private final MessageHandler handler;
    private final Settings settings;
    private final InstantSource clock;
    private final Duration grace;

    private final Duration firstHold;
    private final Settlement settlement;
    private final Semaphore slots;
    private final Timer.Threads timer = new Timer.Threads();
    private final ExecutorService workers;
    private final Set<Held> held = ConcurrentHashMap.newKeySet();
    private final CountDownLatch stopping = new CountDownLatch(1);

    /** Virtual, as only there an interrupt ends a call that waits for an answer. */
    private final Thread poller = Thread.ofVirtual().name("poller").unstarted(this::poll);

    private volatile Instant lastPoll;

    public Consumer(
            SqsQueue work, SqsQueue deadLetters, MessageHandler handler, Settings settings, InstantSource clock) {
        this(work, deadLetters, handler, settings, clock, GRACE);
    }

    Consumer(
            SqsQueue work,
            SqsQueue deadLetters,
            MessageHandler handler,
            Settings settings,
            InstantSource clock,
            Duration grace) {
        this.work = work;
        this.handler = handler;
        this.settings = settings;
        this.clock = clock;
        this.grace = grace;
        this.firstHold = FIRST_HOLD.compareTo(settings.visibility()) < 0 ? FIRST_HOLD : settings.visibility();
        this.settlement = new Settlement(work, deadLetters, handler, settings, clock);
        this.slots = new Semaphore(settings.concurrency());
        // Platform threads: a native call would pin the carrier of a virtual one.
        this.workers = Executors.newFixedThreadPool(
                settings.concurrency(),
                Thread.ofPlatform().daemon().name("job-", 1).factory());
        this.lastPoll = clock.instant();
    }

    public void start() {
        poller.start();
    }

    /** When the last poll was answered, or the start: what an aliveness check looks at. */
    public Instant lastPoll() {
        return lastPoll;
    }

    /** Jobs at this moment. */
    public int running() {
        return held.size();
    }

    /**
     * Stops polling at once (what the poll returned is released), lets running jobs end for that long, then interrupts them and hands their messages back. Returns
     * within a few seconds more; no thread of this consumer is alive then, but for jobs that ignore the interrupt.
     */
    public Drained stop(Duration drainTimeout) throws InterruptedException {
        stopping.countDown();
        poller.interrupt();
        poller.join(grace);
        workers.shutdown();
        int interrupted = 0;
        int abandoned = 0;
        if (!workers.awaitTermination(drainTimeout.toMillis(), TimeUnit.MILLISECONDS)) {
            var late = List.copyOf(held);
            interrupted = late.size();
            late.forEach(job -> job.lease().interrupt("the worker is stopping"));
            var _ = workers.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS);
            for (var job : held) {
                abandoned++;
                if (job.lease().settle() == Lease.State.HELD) {
                    settlement.release(job.message());
                }
                log.atWarn()
                        .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                        .log("job does not stop, its message is handed back without waiting for it");
            }
        }
        timer.close();
        log.atInfo().addArgument(interrupted).log("consumer stopped, {} jobs interrupted");
        return new Drained(interrupted, abandoned);
    }

    boolean stopped() {
        return stopping.getCount() == 0;
    }

    private void poll() {
        int failedInARow = 0;
        while (!stopped()) {
            try {
                int free = freeSlots();
                try {
                    // A machine that cannot work must not take from the others, nor use up the receive count.
                    rest(settlement.handedBackInARow());
                    var messages = work.receive(free, SqsQueue.LONG_POLL, firstHold);
                    lastPoll = clock.instant();
                    free -= messages.size();
                    messages.forEach(this::take);
                    failedInARow = 0;
                } finally {
                    slots.release(free);
                }
            } catch (FailureException e) {
                if (stopped()) {
                    return;
                }
                log.atWarn()
                        .addKeyValue(Keys.QUEUE, work.url())
                        .addKeyValue(Keys.REASON, e.failure().reason())
                        .addKeyValue(Keys.MESSAGE, e.failure().message())
                        .log("poll failed, tried again after a pause");
                rest(++failedInARow);
            } catch (InterruptedException e) {
                // Only a stop interrupts this thread.
                return;
            } catch (RuntimeException e) {
                // Whatever it is, a worker that has silently stopped polling is worse.
                log.atError().setCause(e).log("poll failed in a way that nobody foresaw, tried again after a pause");
                rest(++failedInARow);
            }
        }
    }

    /** Waits for a free slot, then takes as many as one receive can fill. */
    private int freeSlots() throws InterruptedException {
        slots.acquire();
        int free = 1;
        while (free < SqsQueue.BATCH && slots.tryAcquire()) {
            free++;
        }
        return free;
    }

    /** A pause that grows with what went wrong in a row; ends early if the consumer stops. */
    private void rest(int failures) {
        if (failures == 0) {
            return;
        }
        var pause = FIRST_POLL_PAUSE.multipliedBy(1L << Math.min(failures - 1, 10));
        var bounded = pause.compareTo(LONGEST_POLL_PAUSE) < 0 ? pause : LONGEST_POLL_PAUSE;
        try {
            var _ = stopping.await(bounded.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The message has a slot. */
    private void take(ReceivedMessage message) {
        if (stopped()) {
            // The interrupt of the poll must not hit this call too.
            var _ = Thread.interrupted();
            settlement.release(message);
            slots.release();
            return;
        }
        var lease = new Lease(
                message.id(),
                (visibility, patience) -> work.changeVisibility(message.handle(), visibility, patience),
                firstHold,
                settings.visibility(),
                timer,
                clock);
        var job = new Held(message, lease, BodySummary.of(message.body()));
        held.add(job);
        lease.start();
        workers.execute(() -> {
            try {
                work(job);
            } finally {
                held.remove(job);
                slots.release();
            }
        });
    }

    private void work(Held job) {
        var message = job.message();
        log.atInfo()
                .addKeyValue(Keys.MESSAGE_ID, message.id())
                .addKeyValue(Keys.JOB, job.summary().operation())
                .addKeyValue(Keys.BATCH_ID, job.summary().batchId())
                .addKeyValue(Keys.DATABASE, job.summary().database())
                .addKeyValue(Keys.RECEIVES, message.receives())
                .log("job started");
        var delivery = settlement.delivery(message);
        var outcome = job.lease().run(() -> outcome(delivery));
        var why = job.lease().interruption();
        if (why != null && !(outcome instanceof Outcome.Done)) {
            // Whatever an interrupted job says of its input may come from the interrupt.
            outcome = new Outcome.HandBack(new Failure(Blame.NODE, "interrupted", why));
        }
        try {
            settlement.settle(job, outcome);
        } catch (FailureException e) {
            log.atWarn()
                    .addKeyValue(Keys.MESSAGE_ID, message.id())
                    .addKeyValue(Keys.REASON, e.failure().reason())
                    .addKeyValue(Keys.MESSAGE, e.failure().message())
                    .log("outcome not recorded, the message stays and comes again");
        }
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
