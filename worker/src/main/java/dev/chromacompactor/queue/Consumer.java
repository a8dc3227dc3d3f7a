package dev.chromacompactor.queue;

import dev.chromacompactor.job.AttemptMarks;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.message.Trace;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives messages, runs each as a job, and acts on its outcome.
 *
 * <p>At most {@code concurrency} jobs run at once; while they are short a few messages are held ahead of them. From receive to
 * acknowledge a {@link Lease} keeps each message. Whatever fails on the way to an acknowledgement, the message stays in the
 * queue and comes again; a dead letter is sent before the original is deleted.
 */
public final class Consumer {
    private static final Logger log = LoggerFactory.getLogger(Consumer.class);

    /**
     * What a receive asks for; the first heartbeat extends it. Short, as a poll whose answer is lost may have been promised
     * messages whose handles nobody learns: they come back after this time.
     */
    private static final Duration FIRST_HOLD = Duration.ofSeconds(30);
    /** A message that waited for a slot for so long is left to other workers. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    private static final Duration FIRST_BACKOFF = Duration.ofSeconds(2);
    private static final Duration LONGEST_BACKOFF = Duration.ofMinutes(5);
    /** For interrupted jobs to end, after the drain timeout. */
    private static final Duration GRACE = Duration.ofSeconds(4);
    /** For the last letters, and then for the last acknowledgements. */
    private static final Duration FLUSH = Duration.ofSeconds(1);

    /**
     * @param concurrency jobs at once
     * @param visibility whole seconds a message stays hidden without a sign of life
     * @param maxAttempts how often an input may fail
     * @param firstBackoff bound of the first pause; it doubles with every failure
     * @param longPoll whole seconds a poll waits for a message, and so the longest that a stop waits for a poll
     * @param build what dead letters name as the worker's build
     */
    public record Settings(
            int concurrency,
            Duration visibility,
            int maxAttempts,
            Duration firstBackoff,
            Duration longPoll,
            String build) {
        public Settings(int concurrency, Duration visibility, int maxAttempts, String build) {
            this(concurrency, visibility, maxAttempts, FIRST_BACKOFF, SqsQueue.LONG_POLL, build);
        }

        /** The same, for a consumer that is to stop soon when it is told to. */
        public Settings polling(Duration wait) {
            return new Settings(concurrency, visibility, maxAttempts, firstBackoff, wait, build);
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
    private final Metrics metrics;
    private final Settings settings;
    private final InstantSource clock;
    private final Duration grace;
    private final Duration firstHold;
    private final Timer timer;
    private final ExecutorService workers;

    private final Breaker breaker = new Breaker();
    private final Room room;
    private final Undertaker undertaker;
    private final Acknowledger acknowledger;
    private final Settlement settlement;
    private final Work jobs;
    private final Poller poller;
    private final Redriven redriven;
    private final Set<Held> held = ConcurrentHashMap.newKeySet();
    private final CountDownLatch stopping = new CountDownLatch(1);

    private volatile Instant lastProgress;

    public Consumer(
            SqsQueue work,
            SqsQueue deadLetters,
            MessageHandler handler,
            AttemptMarks marks,
            Gate gate,
            Metrics metrics,
            Settings settings,
            InstantSource clock) {
        this(
                work,
                deadLetters,
                handler,
                marks,
                gate,
                metrics,
                settings,
                clock,
                new Timer.Threads(),
                // Platform threads: a native call would pin the carrier of a virtual one.
                Executors.newFixedThreadPool(
                        settings.concurrency(),
                        Thread.ofPlatform().daemon().name("job-", 1).factory()),
                GRACE);
    }

    Consumer(
            SqsQueue work,
            SqsQueue deadLetters,
            MessageHandler handler,
            AttemptMarks marks,
            Gate gate,
            Metrics metrics,
            Settings settings,
            InstantSource clock,
            Timer timer,
            ExecutorService workers,
            Duration grace) {
        this.work = work;
        this.metrics = metrics;
        this.settings = settings;
        this.clock = clock;
        this.timer = timer;
        this.workers = workers;
        this.grace = grace;
        this.firstHold = FIRST_HOLD.compareTo(settings.visibility()) < 0 ? FIRST_HOLD : settings.visibility();
        this.lastProgress = clock.instant();
        this.room = new Room(settings.concurrency());
        this.undertaker = new Undertaker(deadLetters, held::size);
        this.acknowledger = new Acknowledger(work, () -> held.size() - undertaker.waiting());
        var attempts = new Attempts(settings.maxAttempts(), marks, clock, settings.build());
        var backoff = new Backoff(settings.firstBackoff(), LONGEST_BACKOFF, RandomGenerator.getDefault());
        this.settlement = new Settlement(
                work, undertaker, handler, attempts, backoff, acknowledger, breaker, metrics, clock, settings.build());
        this.jobs = new Work(handler, attempts, settlement, settings.concurrency());
        this.redriven = new Redriven(deadLetters, handler, attempts);
        this.poller = new Poller(
                work, room, gate, breaker, metrics, new Arrivals(), firstHold, settings.longPoll(), clock, stopping);
    }

    public void start() {
        metrics.slots(settings.concurrency(), this::running);
        metrics.lastPoll(poller::lastSign);
        undertaker.start();
        acknowledger.start();
        poller.start();
        redriven.start(timer, poller::plenty, this::stopped);
    }

    public ConsumerState health() {
        var lastEmpty = poller.lastEmpty();
        return new ConsumerState(
                poller.isAlive(),
                poller.lastSign(),
                poller.lastTurn(),
                lastEmpty.isAfter(lastProgress) ? lastEmpty : lastProgress,
                running(),
                poller.closedFor(),
                breaker.isOpen(),
                breaker.nodeFailuresInARow(),
                stopped());
    }

    /** Jobs at this moment. */
    public int running() {
        return (int) held.stream().filter(Held::isRunning).count();
    }

    /** Whether there is nothing to do: no message is held, and the last poll brought none. */
    public boolean idle() {
        return held.isEmpty() && poller.foundNothing() && poller.closedFor() == null && !stopped();
    }

    /**
     * Stops polling, hands back what has not begun, lets running jobs end for that long, then interrupts them and hands their
     * messages back. A poll under way is heard to its end, at most 20 seconds, and what it brings is released. No thread of this
     * consumer is alive after it, but for jobs that ignore the interrupt. Takes at most the larger of 20 seconds and the drain
     * timeout, and nine seconds more.
     */
    public Drained stop(Duration drainTimeout) throws InterruptedException {
        long begun = System.nanoTime();
        synchronized (this) {
            stopping.countDown();
            workers.shutdown();
        }
        room.close();
        leaveToOthers(Duration.ZERO);
        var drained = drain(drainTimeout.minusNanos(System.nanoTime() - begun));
        poller.join(settings.longPoll().plusSeconds(1).minusNanos(System.nanoTime() - begun));
        undertaker.stop(FLUSH);
        acknowledger.stop(FLUSH);
        releaseRest();
        timer.close();
        log.atInfo().addArgument(drained.interrupted()).log("consumer stopped, {} jobs interrupted");
        return drained;
    }

    boolean stopped() {
        return stopping.getCount() == 0;
    }

    /** One poll on this thread, without {@link #start}: how a simulation drives it. */
    Duration round() throws InterruptedException {
        var pause = poller.round();
        undertaker.flush();
        acknowledger.flush();
        return pause;
    }

    private Drained drain(Duration drainTimeout) throws InterruptedException {
        if (workers.awaitTermination(drainTimeout.toNanos(), TimeUnit.NANOSECONDS)) {
            return new Drained(0, 0);
        }
        var late = held.stream().filter(Held::isRunning).toList();
        late.forEach(job -> job.lease().interrupt("the worker is stopping"));
        if (workers.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS)) {
            return new Drained(late.size(), 0);
        }
        var deaf = late.stream().filter(Held::isRunning).toList();
        for (var job : deaf) {
            // What it says from now on is not heard.
            var _ = job.lease().settle();
            // Nobody died of it. The bucket may take its time, and a stop has none.
            var _ = Thread.ofVirtual().name("unmark").start(() -> settlement.unmark(job));
            log.atWarn()
                    .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                    .log("job does not stop, its message is handed back without waiting for it");
        }
        return new Drained(late.size(), deaf.size());
    }

    /** Of jobs that do not stop, and of those whose message could not be deleted in time: to do these again is harmless. */
    private void releaseRest() {
        var left = List.copyOf(held);
        if (!left.isEmpty()) {
            left.forEach(job -> job.lease().settle());
            log.atWarn().addArgument(left.size()).log("{} messages neither done nor acknowledged in time, handed back");
            settlement.release(left.stream().map(Held::message).toList());
        }
    }

    /** They have room already. */
    private void take(List<ReceivedMessage> messages) {
        if (!begin(messages)) {
            settlement.release(messages);
            room.give(messages.size());
        }
    }

    /** @return false: the worker is stopping */
    private synchronized boolean begin(List<ReceivedMessage> messages) {
        if (stopped()) {
            return false;
        }
        room.received(messages.size());
        for (var message : messages) {
            var lease = new Lease(
                    message.id(),
                    (visibility, patience) -> work.changeVisibility(message.handle(), visibility, patience),
                    firstHold,
                    settings.visibility(),
                    timer,
                    metrics,
                    clock);
            var job = new Held(message, lease, room);
            held.add(job);
            lease.start();
            workers.execute(() ->
                    Trace.of(message.id(), message.body(), message.texts()).run(() -> run(job)));
        }
        return true;
    }

    private void run(Held job) {
        if (!job.begin()) {
            return;
        }
        room.begun();
        lastProgress = clock.instant();
        long begun = System.nanoTime();
        try {
            jobs.run(job, () -> drop(job));
        } catch (RuntimeException | Error e) {
            log.atError()
                    .addKeyValue(Keys.MESSAGE_ID, job.message().id())
                    .setCause(e)
                    .log("job not settled, the message stays and comes again");
            var _ = job.lease().settle();
            drop(job);
        } finally {
            job.end();
            room.ended(Duration.ofNanos(System.nanoTime() - begun));
            lastProgress = clock.instant();
        }
    }

    private void drop(Held job) {
        if (held.remove(job)) {
            job.leave();
        }
    }

    /** Messages that have waited for a slot for so long are left to other workers: no attempt, and no job, has begun. */
    private void leaveToOthers(Duration waited) {
        var left = held.stream()
                .filter(job -> job.isWaiting() && job.lease().age().compareTo(waited) >= 0)
                .filter(Held::skip)
                .toList();
        if (left.isEmpty()) {
            return;
        }
        var ours = left.stream()
                .filter(job -> job.lease().settle() == Lease.State.HELD)
                .map(Held::message)
                .toList();
        settlement.release(ours);
        for (var job : left) {
            room.begun();
            // What did not get its turn in that time does not count as short.
            room.ended(LONGEST_WAIT);
            drop(job);
        }
        log.atInfo().addArgument(left.size()).log("{} messages handed back before they were begun");
    }

    private final class Arrivals implements Poller.Sink {
        @Override
        public void beforePoll() {
            leaveToOthers(LONGEST_WAIT);
        }

        @Override
        public void take(List<ReceivedMessage> messages) {
            Consumer.this.take(messages);
        }
    }
}
