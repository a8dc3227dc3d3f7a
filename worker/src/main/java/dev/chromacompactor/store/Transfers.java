package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Elsewhere;
import dev.chromacompactor.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Function;

/** Transfers side by side: a small one is mostly waiting for the answer. A few at a time, each holds a socket and a file. */
public final class Transfers {
    private static final int AT_ONCE = 8;

    private Transfers() {}

    /**
     * Runs {@code transfer} for each item and gives the results in the order of the items.
     *
     * @throws FailureException of the first item, in their order, whose transfer failed; none is under way any more then.
     *     NODE {@code interrupted} if this thread is told to stop
     */
    public static <T, R> List<R> each(List<T> items, Function<? super T, ? extends R> transfer) {
        var done = new ArrayList<R>();
        each(items, transfer, done::add);
        return done;
    }

    /**
     * Likewise, and hands over each result on this thread, in the order of the items, as soon as it is there: the later ones
     * are still under way then. What {@code then} throws ends them too.
     */
    public static <T, R> void each(List<T> items, Function<? super T, ? extends R> transfer, Consumer<? super R> then) {
        try (var pool = Executors.newFixedThreadPool(
                AT_ONCE, Thread.ofVirtual().name("transfer-", 0).factory())) {
            try {
                var pending = new ArrayList<Future<R>>();
                for (T item : items) {
                    pending.add(pool.submit(() -> transfer.apply(item)));
                }
                for (var one : pending) {
                    then.accept(one.get());
                }
            } catch (ExecutionException e) {
                throw Elsewhere.thrown(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FailureException(
                        Blame.NODE, "interrupted", "transfer " + items.size() + " objects: told to stop", e);
            } finally {
                pool.shutdownNow(); // after a failure nobody waits for the others
            }
        }
    }
}
