package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs numbered pieces of work on so many threads, the caller's among them. Pieces are taken in order; what a piece does must not depend
 * on who takes it, so that the result is the same with one thread and with many.
 *
 * <p>An interrupt of the caller stops all before their next piece and is thrown as NODE {@code interrupted}.
 *
 * @param threads at least 1
 */
record Workers(int threads) {
    /** One piece of work. */
    @FunctionalInterface
    interface Piece {
        /**
         * @param piece which one, from 0
         * @param worker who does it, from 0, below the number of threads: for scratch memory of its own
         */
        void run(int piece, int worker);
    }

    Workers {
        if (threads < 1) {
            throw new IllegalArgumentException("threads: " + threads);
        }
    }

    static void requireNotInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new FailureException(Blame.NODE, "interrupted", "building an index: told to stop");
        }
    }

    void each(int pieces, Piece work) {
        var shift = new Shift(pieces, work);
        List<Thread> others = new ArrayList<>();
        for (int worker = 1; worker < Math.min(threads, pieces); worker++) {
            int number = worker;
            others.add(Thread.ofPlatform().daemon().name("graph-", worker).start(() -> shift.work(number)));
        }
        shift.work(0);
        boolean interrupted = false;
        for (Thread other : others) {
            while (other.isAlive()) {
                try {
                    other.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    shift.stop();
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        shift.rethrow();
        requireNotInterrupted();
    }

    private static final class Shift {
        private final int pieces;
        private final Piece work;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        private Shift(int pieces, Piece work) {
            this.pieces = pieces;
            this.work = work;
        }

        private void work(int worker) {
            try {
                for (int piece = next.getAndIncrement(); piece < pieces; piece = next.getAndIncrement()) {
                    requireNotInterrupted();
                    work.run(piece, worker);
                }
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
                stop();
            }
        }

        private void stop() {
            next.set(pieces);
        }

        private void rethrow() {
            switch (failure.get()) {
                case null -> {}
                case Error e -> throw e;
                case RuntimeException e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
    }
}
