package dev.chromacompactor.queue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gathers what is to go out, and sends it by as many as SQS takes in one call, the first soon after it came; at once when there is
 * nothing that could still come.
 */
final class Batches<T> {
    private static final Logger log = LoggerFactory.getLogger(Batches.class);

    /** Nothing came for so long: time to ask whether anything still can. */
    private static final Duration QUIET = Duration.ofMillis(5);
    /** How long a thread without work goes without asking whether it should stop. */
    private static final Duration IDLE = Duration.ofMillis(200);

    private final Duration linger;
    private final IntSupplier most;
    private final Consumer<List<T>> send;
    private final LinkedBlockingQueue<T> pending = new LinkedBlockingQueue<>();
    /** Added, and not in a call yet. */
    private final AtomicInteger waiting = new AtomicInteger();

    private final List<Thread> threads;
    private volatile boolean stopping;

    /**
     * @param linger how long the first waits for others to go with it
     * @param most how many there could be at this moment, with those that wait already
     * @param callsAtOnce with two, one is answered while the next is filled; with one, calls are fuller
     * @param send one call's worth; deals with failures itself
     */
    Batches(String name, Duration linger, IntSupplier most, int callsAtOnce, Consumer<List<T>> send) {
        this.linger = linger;
        this.most = most;
        this.send = send;
        // Virtual, as only there an interrupt ends a call that waits for an answer.
        this.threads = IntStream.range(0, callsAtOnce)
                .mapToObj(i -> Thread.ofVirtual().name(name + i).unstarted(this::run))
                .toList();
    }

    void start() {
        threads.forEach(Thread::start);
    }

    void add(T item) {
        waiting.incrementAndGet();
        pending.add(item);
    }

    /** Those that wait for a call. */
    int waiting() {
        return waiting.get();
    }

    boolean isStopping() {
        return stopping;
    }

    /** Sends what is left, for so long at most. */
    void stop(Duration patience) throws InterruptedException {
        stopping = true;
        long end = System.nanoTime() + patience.toNanos();
        for (var thread : threads) {
            if (thread.isAlive()) {
                thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
                thread.interrupt();
            }
        }
    }

    /** Sends what is there now, on this thread. */
    void flush() {
        var batch = new ArrayList<T>();
        while (pending.drainTo(batch, SqsQueue.BATCH) > 0) {
            waiting.addAndGet(-batch.size());
            send.accept(List.copyOf(batch));
            batch.clear();
        }
    }

    private void run() {
        try {
            while (!stopping || !pending.isEmpty()) {
                var batch = next();
                if (!batch.isEmpty()) {
                    waiting.addAndGet(-batch.size());
                    sendOrLog(batch);
                }
            }
        } catch (InterruptedException e) {
            // Only a stop that has waited long enough interrupts.
            Thread.currentThread().interrupt();
        }
    }

    private void sendOrLog(List<T> batch) {
        try {
            send.accept(batch);
        } catch (RuntimeException e) {
            // Whatever it is: without this thread nothing would be sent any more, and nobody would see it.
            log.atError().addArgument(batch.size()).setCause(e).log("{} not sent, in a way that nobody foresaw");
        }
    }

    /** Some that are due; none after a while without any. */
    private List<T> next() throws InterruptedException {
        var batch = new ArrayList<T>();
        var first = pending.poll(IDLE.toMillis(), TimeUnit.MILLISECONDS);
        if (first == null) {
            return batch;
        }
        batch.add(first);
        long end = System.nanoTime() + linger.toNanos();
        while (batch.size() < SqsQueue.BATCH && !stopping) {
            long left = end - System.nanoTime();
            var other = pending.poll(Math.min(left, QUIET.toNanos()), TimeUnit.NANOSECONDS);
            if (other != null) {
                batch.add(other);
            } else if (left <= QUIET.toNanos() || waiting.get() >= most.getAsInt()) {
                return batch;
            }
        }
        pending.drainTo(batch, SqsQueue.BATCH - batch.size());
        return batch;
    }
}
