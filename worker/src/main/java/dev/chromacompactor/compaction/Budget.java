package dev.chromacompactor.compaction;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Keys;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The disk and the memory that all jobs of one worker share. A job takes its {@link Footprint} before it downloads, and
 * gives it back when its {@link Scratch} is closed.
 *
 * <p>Who comes first is served first: a large job that waits is not overtaken by small ones, so it cannot starve. A job
 * that holds something and needs more (an archive turned out larger, the base grew) goes before those that hold nothing,
 * and only one such job may wait at a time, so two never wait for each other; the second one gives up its place.
 *
 * <p>Disk is looked at, not only counted: other processes write to it too. What fits the count but not the disk waits
 * like everything else. What is only {@linkplain WarmBases kept} for later goes before anybody waits. Waiting is
 * interruptible, and ends after a while, since another worker may have the room.
 *
 * <p>Errors: INPUT {@value #TOO_LARGE} for what would not fit if nothing else ran here; NODE {@value #NO_ROOM} for what
 * waited in vain; NODE {@code interrupted}.
 */
public final class Budget {
    /** More than all of this worker. */
    public static final String TOO_LARGE = "too-large-for-worker";
    /** Waited in vain: another worker, or this one later, may do it. */
    public static final String NO_ROOM = "no-room";

    private static final Logger log = LoggerFactory.getLogger(Budget.class);

    /** Long enough for most jobs to end, short beside the twelve hours that SQS lets a message be held. */
    static final Duration PATIENCE = Duration.ofMinutes(10);

    /** Nobody tells when another process deletes its files. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

    /** The disk that the jobs write to. */
    public interface Disk {
        /** Bytes that can be written now. */
        long free();

        /** Bytes that the jobs have written so far and not deleted. */
        long written();
    }

    private final Path jobs;
    private final Footprint total;
    private final Disk disk;
    private final Duration patience;
    private final WarmBases warm;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Room> waiting = new ArrayDeque<>();
    private @Nullable Room growing;
    private Footprint reserved = Footprint.NONE;

    /**
     * @param jobs where jobs make their scratch directories; what is kept lies beside it, in {@code warm}
     * @param total what they may take together
     * @param patience how long a job waits before it gives its message back
     */
    public Budget(Path jobs, Footprint total, Disk disk, Duration patience) {
        this.jobs = jobs;
        this.total = total;
        this.disk = disk;
        this.patience = patience;
        // Of several workers on one disk, none is to hold most of it for what may never be asked for.
        this.warm = new WarmBases(jobs.resolveSibling("warm"), total.disk() / 2);
    }

    /**
     * The budget of this process: the disk as it is at the time, the heap, and the container's memory beside it, each
     * less what the worker itself needs.
     *
     * @param scratch the scratch directory that workers of this machine share; what lies in it will be free
     * @param jobs below it, where the jobs of this worker make their directories; both exist
     * @param limit bytes of disk that they may take together; null: what there is
     */
    public static Budget ofMachine(Path scratch, Path jobs, @Nullable Long limit) {
        return Machine.budget(scratch, jobs, limit);
    }

    /**
     * A new scratch directory that holds nothing of the budget yet; its {@code reserve} waits until there is room.
     *
     * @param kind of job, a part of the directory's name
     * @param job for people: which job it is
     */
    public Scratch scratch(String kind, String job) {
        return Scratch.below(jobs, kind, new Room(job));
    }

    /** Whether a job of this footprint would be let in if no other ran. */
    public boolean couldFit(Footprint need) {
        return need.fitsInto(total);
    }

    /** What this worker still has on its disk. */
    public WarmBases warm() {
        return warm;
    }

    /** What all jobs may take together. */
    Footprint total() {
        return total;
    }

    /** What running jobs have taken. */
    public Footprint reserved() {
        lock.lock();
        try {
            return reserved;
        } finally {
            lock.unlock();
        }
    }

    /** Jobs that wait for room. */
    public int waiting() {
        lock.lock();
        try {
            return waiting.size() + (growing == null ? 0 : 1);
        } finally {
            lock.unlock();
        }
    }

    /** What one job has taken. Its threads may ask for more at the same time. */
    final class Room implements AutoCloseable {
        private final String job;
        /** One question of a job at a time, so that it is never in its own way. */
        private final ReentrantLock asking = new ReentrantLock();

        private Footprint held = Footprint.NONE;

        private Room(String job) {
            this.job = job;
        }

        /** Waits until the job holds at least this. */
        void atLeast(Footprint need) {
            ask(need, false);
        }

        /** Waits until it holds so much more than before. */
        void more(Footprint extra) {
            ask(extra, true);
        }

        private void ask(Footprint footprint, boolean onTop) {
            try {
                asking.lockInterruptibly();
                try {
                    take(this, onTop ? footprint : footprint.minus(held));
                } finally {
                    asking.unlock();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FailureException(
                        Blame.NODE, "interrupted", job + ": told to stop while it waited for " + footprint, e);
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                reserved = reserved.minus(held);
                held = Footprint.NONE;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private void take(Room room, Footprint more) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            Footprint wanted = room.held.plus(more);
            if (!wanted.fitsInto(total)) {
                throw FailureException.input(TOO_LARGE, room.job + " " + wanted.tooLarge(total));
            }
            // Nobody is kept waiting by who may go at once; and whoever holds something ends sooner than others begin.
            boolean holds = !room.held.equals(Footprint.NONE);
            boolean first = holds || (growing == null && waiting.isEmpty());
            if (!first || !fits(more)) {
                await(room, more, holds);
            }
            room.held = wanted;
            reserved = reserved.plus(more);
        } finally {
            lock.unlock();
        }
    }

    private void await(Room room, Footprint more, boolean holds) throws InterruptedException {
        if (holds && growing != null) {
            throw noRoom(room, more, "another job that needs more waits already");
        }
        log.atInfo()
                .addArgument(room.job)
                .addArgument(more)
                .addArgument(reserved)
                .addArgument(total)
                .log("{} waits for {}; {} of {} are taken");
        long start = System.nanoTime();
        try {
            if (holds) {
                growing = room;
            } else {
                waiting.addLast(room);
            }
            while (!isNext(room) || !fits(more)) {
                long left = patience.toNanos() - (System.nanoTime() - start);
                if (left <= 0) {
                    throw noRoom(room, more, "waited " + patience);
                }
                long _ = changed.awaitNanos(Math.min(left, LOOK_AGAIN.toNanos()));
            }
        } finally {
            waiting.remove(room);
            growing = growing == room ? null : growing;
            changed.signalAll();
        }
        log.atInfo()
                .addArgument(room.job)
                .addKeyValue(Keys.ELAPSED_MILLIS, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))
                .log("{} has its room");
    }

    private boolean isNext(Room room) {
        return growing == null ? waiting.peekFirst() == room : growing == room;
    }

    /** What is kept goes if that makes it fit, and stays if it would go in vain. */
    private boolean fits(Footprint more) {
        if (!reserved.plus(more).fitsInto(total)) {
            return false;
        }
        if (more.disk() == 0) {
            return true;
        }
        long needed = shortOf(more.disk());
        if (needed > warm.bytes()) {
            return false;
        }
        while (needed > 0 && warm.dropOldest()) {
            needed = shortOf(more.disk());
        }
        return needed <= 0;
    }

    /** By the count, and by what the disk says: of the free bytes, some are promised to jobs that have yet to write them. */
    private long shortOf(long bytes) {
        long promised = Math.max(0, reserved.disk() - disk.written());
        long byCount = reserved.disk() + bytes - (total.disk() - warm.bytes());
        return Math.max(byCount, bytes - (disk.free() - promised));
    }

    private FailureException noRoom(Room room, Footprint more, String why) {
        return new FailureException(
                Blame.NODE,
                NO_ROOM,
                room.job + ": take " + more + ": " + why + "; jobs hold " + reserved + " of " + total
                        + ", the disk has " + Footprint.text(disk.free()) + " free");
    }
}
