package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Elsewhere;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The deltas of a fold in their order. Reading one takes no look at what it is folded into, so the next few are opened and read
 * on other threads while this one folds. What is wrong with a delta shows when it is its turn.
 *
 * <p>After close nothing is being read any more and nothing is open but what {@link #next} gave out.
 */
public final class ReadAhead implements AutoCloseable {
    /**
     * A delta that is still to be opened.
     *
     * @param opening its tables checked; called on one of the other threads
     * @param renameTo see {@link Fold#apply}
     */
    public record Source(
            Supplier<ChromaDatabase> opening, @Nullable String renameTo) {
        /** Of a delta that {@link ChromaDatabase#checkTables} found sound. */
        public Source(Path directory, @Nullable String renameTo) {
            this(() -> ChromaDatabase.openUnread(directory), renameTo);
        }
    }

    private final Iterator<Source> rest;
    private final VectorScratch scratch;
    private final ExecutorService pool;
    private final Deque<Future<ChromaDatabase>> ahead = new ArrayDeque<>();
    private volatile boolean closed;

    ReadAhead(List<Source> deltas, int atOnce, int most, VectorScratch scratch) {
        this.rest = deltas.iterator();
        this.scratch = scratch;
        // Platform threads: reading SQLite is a native call, which would pin a virtual one's carrier.
        this.pool = Executors.newFixedThreadPool(
                atOnce, Thread.ofPlatform().name("read-ahead-", 0).factory());
        for (int i = 0; i < most; i++) {
            begin();
        }
    }

    private void begin() {
        if (rest.hasNext()) {
            Source source = rest.next();
            ahead.add(pool.submit(() -> read(source)));
        }
    }

    private ChromaDatabase read(Source source) {
        if (closed) {
            throw new CancellationException();
        }
        ChromaDatabase delta = source.opening().get();
        try {
            delta.readAhead(source.renameTo(), scratch);
            return delta;
        } catch (RuntimeException | Error e) {
            try (delta) {
                throw e;
            }
        }
    }

    /**
     * The next delta, for {@link Fold#apply}; whoever asks closes it.
     *
     * @throws FailureException what is wrong with it; NODE {@code interrupted} if this thread is told to stop
     */
    public ChromaDatabase next() {
        begin();
        try {
            ChromaDatabase first = ahead.element().get();
            ahead.remove();
            return first;
        } catch (ExecutionException e) {
            throw Elsewhere.thrown(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException(Blame.NODE, "interrupted", "read the next delta: told to stop", e);
        }
    }

    @Override
    public void close() {
        closed = true;
        pool.close();
        for (Future<ChromaDatabase> each : ahead) {
            if (each.state() == Future.State.SUCCESS) {
                each.resultNow().close();
            }
        }
        ahead.clear();
    }
}
