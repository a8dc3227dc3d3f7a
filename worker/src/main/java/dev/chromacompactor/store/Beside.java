package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Elsewhere;
import dev.chromacompactor.failure.FailureException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * One step beside this thread, such as a transfer while something is computed. It is over when this is closed, however that
 * comes about: what its owner removes afterwards, nobody writes to any more.
 */
public final class Beside<T> implements AutoCloseable {
    private final String what;
    private final ExecutorService pool;
    private final Future<T> step;

    private Beside(String what, Supplier<T> step) {
        this.what = what;
        // Virtual, as only there an interrupt ends a call that waits for an answer.
        this.pool = Executors.newSingleThreadExecutor(
                Thread.ofVirtual().name("beside-", 0).factory());
        this.step = pool.submit(step::get);
    }

    /** @param what for people: what is being done */
    public static <T> Beside<T> begin(String what, Supplier<T> step) {
        return new Beside<>(what, step);
    }

    /**
     * Waits for it.
     *
     * @throws FailureException what the step threw; NODE {@code interrupted} if this thread is told to stop
     */
    public T result() {
        try {
            return step.get();
        } catch (ExecutionException e) {
            throw Elsewhere.thrown(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException(Blame.NODE, "interrupted", what + ": told to stop", e);
        }
    }

    /** Ends it, if nobody has waited for it. */
    @Override
    public void close() {
        pool.shutdownNow();
        pool.close();
    }
}
