package dev.chromacompactor.health;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;

/**
 * Whether jobs get on. A job gets on as long as its thread computes, or something goes to or comes from S3: jobs compute on
 * their own thread and transfer on others. Needs no help of the jobs, so none can forget to give a sign.
 */
public final class Progress {
    /** What {@link #look} saw of one job. */
    public record Sign(String job, Duration running, Duration quiet) {}

    private final InstantSource clock;
    private final ToLongFunction<Thread> cpuNanos;
    private final LongSupplier transferred;
    private final Set<Job> jobs = ConcurrentHashMap.newKeySet();

    /** @param transferred a number that changes with every request to S3 */
    public Progress(InstantSource clock, LongSupplier transferred) {
        this(clock, Progress::cpuNanos, transferred);
    }

    Progress(InstantSource clock, ToLongFunction<Thread> cpuNanos, LongSupplier transferred) {
        this.clock = clock;
        this.cpuNanos = cpuNanos;
        this.transferred = transferred;
    }

    private static long cpuNanos(Thread thread) {
        return ManagementFactory.getThreadMXBean().getThreadCpuTime(thread.threadId());
    }

    /** A job begins on this thread; it has ended when the result is closed. */
    public Job begin(String what) {
        var job = new Job(what, Thread.currentThread());
        jobs.add(job);
        return job;
    }

    /** Looks at every job that runs. What happens between two looks is seen by the second. */
    public List<Sign> look() {
        return jobs.stream().map(Job::look).toList();
    }

    /** One running job. */
    public final class Job implements AutoCloseable {
        private final String what;
        private final Thread thread;
        private final Instant began = clock.instant();
        private Instant moved = began;
        private long seenCpu;
        private long seenTransferred;

        private Job(String what, Thread thread) {
            this.what = what;
            this.thread = thread;
            this.seenCpu = cpuNanos.applyAsLong(thread);
            this.seenTransferred = transferred.getAsLong();
        }

        private synchronized Sign look() {
            var now = clock.instant();
            long cpu = cpuNanos.applyAsLong(thread);
            long bytes = transferred.getAsLong();
            if (cpu != seenCpu || bytes != seenTransferred) {
                seenCpu = cpu;
                seenTransferred = bytes;
                moved = now;
            }
            return new Sign(what, Duration.between(began, now), Duration.between(moved, now));
        }

        @Override
        public void close() {
            jobs.remove(this);
        }
    }
}
