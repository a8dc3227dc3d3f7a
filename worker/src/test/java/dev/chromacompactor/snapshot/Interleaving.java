package dev.chromacompactor.snapshot;

import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Several who work on one bucket, of whom only one moves at a time: before each call that matters they stop, and a
 * schedule says who goes on. So every order of calls can be tried, and tried again.
 */
final class Interleaving {
    private final MemoryObjectStore store;
    private final Predicate<Call> matters;

    Interleaving(MemoryObjectStore store, Predicate<Call> matters) {
        this.store = store;
        this.matters = matters;
    }

    private static final class Actor {
        private final Semaphore go = new Semaphore(0);
        private final Semaphore stopped = new Semaphore(0);
        private volatile boolean ended;
        private volatile @Nullable Throwable failed;
        private @Nullable Thread thread;
    }

    /**
     * Runs all to their ends.
     *
     * @param choose given how many can go on, says which: from 0
     */
    void run(IntUnaryOperator choose, List<Runnable> work) {
        var actors = new ArrayList<Actor>();
        store.onCall(call -> {
            if (matters.test(call)) {
                for (Actor actor : actors) {
                    if (actor.thread == Thread.currentThread()) {
                        actor.stopped.release();
                        actor.go.acquireUninterruptibly();
                    }
                }
            }
        });
        for (Runnable each : work) {
            var actor = new Actor();
            actor.thread = Thread.ofVirtual().unstarted(() -> {
                try {
                    each.run();
                } catch (Throwable e) {
                    actor.failed = e;
                } finally {
                    actor.ended = true;
                    actor.stopped.release();
                }
            });
            actors.add(actor);
        }
        for (Actor actor : actors) {
            Objects.requireNonNull(actor.thread).start();
            actor.stopped.acquireUninterruptibly();
        }
        while (true) {
            List<Actor> alive = actors.stream().filter(actor -> !actor.ended).toList();
            if (alive.isEmpty()) {
                break;
            }
            Actor next = alive.get(choose.applyAsInt(alive.size()));
            next.go.release();
            next.stopped.acquireUninterruptibly();
        }
        store.onCall(_ -> {});
        for (Actor actor : actors) {
            if (actor.failed != null) {
                throw new AssertionError(actor.failed);
            }
        }
    }

    /** Every schedule there is, one after the other. */
    static final class Schedules implements IntUnaryOperator {
        private final List<int[]> choices = new ArrayList<>();
        private int step;

        @Override
        public int applyAsInt(int options) {
            if (step == choices.size()) {
                choices.add(new int[] {0, options});
            }
            return choices.get(step++)[0];
        }

        /** Goes on to the next schedule; false after the last. */
        boolean next() {
            step = 0;
            while (!choices.isEmpty()) {
                int[] last = choices.getLast();
                if (++last[0] < last[1]) {
                    return true;
                }
                choices.removeLast();
            }
            return false;
        }
    }
}
