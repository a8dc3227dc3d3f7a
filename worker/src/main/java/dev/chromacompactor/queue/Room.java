package dev.chromacompactor.queue;

import java.time.Duration;

/**
 * How many messages may be held at once: one for each slot and, while jobs are short, a few ahead of them, so that no slot
 * waits for an answer of SQS. Messages that will not begin soon are left to other workers.
 *
 * <p>A message takes room from before the receive until it is settled, acknowledgement included. While it waits for its letter
 * to go, which is rare and takes its time, others have its place.
 */
final class Room {
    /** What is fetched ahead should begin within this time. */
    private static final Duration SOON = Duration.ofSeconds(1);
    /** Some full receives: being worked on, being fetched, being acknowledged. */
    static final int MOST_AHEAD = 6 * SqsQueue.BATCH;
    /** Places of messages that wait for their letters, and that others may have meanwhile. */
    static final int MOST_LENT = MOST_AHEAD;
    /** How much the latest job weighs in what counts as typical, once it is shorter than that. */
    private static final double WEIGHT = 0.2;

    private final int slots;
    private int taken;
    private int waiting;
    private int lent;
    private boolean closed;
    /** Of a job, in seconds. Nothing is known at first. */
    private double typical = Double.POSITIVE_INFINITY;

    Room(int slots) {
        this.slots = slots;
    }

    /**
     * Takes room for one receive. As long as something waits for a slot it is taken for a full receive only, since that
     * costs SQS and us no more than one of a single message.
     *
     * @param most at most
     * @param patience how long to wait for it
     * @return how many; 0 if there is none in that time, or it is closed
     */
    synchronized int take(int most, Duration patience) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        while (!closed && !isWorthwhile()) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return 0;
            }
            wait(left);
        }
        return closed ? 0 : reserve(Math.min(most, free()));
    }

    /** As much as one receive can bring, or nothing; does not wait. */
    synchronized int takeFull() {
        return !closed && free() >= SqsQueue.BATCH ? reserve(SqsQueue.BATCH) : 0;
    }

    private int reserve(int count) {
        taken += count;
        return count;
    }

    synchronized void received(int messages) {
        waiting += messages;
    }

    synchronized void begun() {
        waiting--;
        notifyAll();
    }

    synchronized void ended(Duration took) {
        double seconds = took.toNanos() / 1e9;
        typical = seconds >= typical || typical == Double.POSITIVE_INFINITY
                ? seconds
                : typical + WEIGHT * (seconds - typical);
    }

    synchronized void give(int count) {
        taken -= count;
        notifyAll();
    }

    /** The place of a message whose job is over is for others, until {@link #back()}. */
    synchronized void lend() {
        lent++;
        notifyAll();
    }

    synchronized void back() {
        lent--;
    }

    /** Nobody gets any more. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }

    private boolean isWorthwhile() {
        int free = free();
        return free >= SqsQueue.BATCH || (free > 0 && waiting == 0);
    }

    private int free() {
        int own = slots + ahead();
        int more = Math.min(lent, MOST_LENT);
        // Where full receives are the rule odd places would only break them up.
        return own - taken + (own < SqsQueue.BATCH ? more : more - more % SqsQueue.BATCH);
    }

    private int ahead() {
        return (int) Math.min(MOST_AHEAD, slots * SOON.toMillis() / 1000.0 / typical);
    }
}
