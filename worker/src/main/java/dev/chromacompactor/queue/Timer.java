package dev.chromacompactor.queue;

import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Runs something once, later. */
interface Timer extends AutoCloseable {
    /** @return takes the task back, if it has not begun */
    Runnable after(Duration delay, Runnable task);

    @Override
    default void close() {}

    /** The real one: a thread that waits, and a virtual thread for each task, as tasks wait for SQS. */
    final class Threads implements Timer {
        private final ScheduledThreadPoolExecutor waiting;

        Threads() {
            waiting = new ScheduledThreadPoolExecutor(
                    1, Thread.ofPlatform().daemon().name("lease-timer").factory());
            waiting.setRemoveOnCancelPolicy(true);
        }

        @Override
        public Runnable after(Duration delay, Runnable task) {
            var later = waiting.schedule(
                    () -> Thread.ofVirtual().name("heartbeat").start(task), delay.toMillis(), TimeUnit.MILLISECONDS);
            return () -> later.cancel(false);
        }

        @Override
        public void close() {
            waiting.shutdownNow();
        }
    }
}
