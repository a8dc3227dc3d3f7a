package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Elsewhere;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * The end of a snapshot whose tables are settled: its files are written, then proven. What stands in one column has nothing to do with the
 * other, and all of it takes long.
 *
 * <pre>
 * caller       indexes                   proof
 * its thread   tables, their check       sums of the files, for a seal
 * </pre>
 */
final class Finishing implements AutoCloseable {
    private final Path directory;
    private final @Nullable Touched touched;
    private final ExecutorService beside =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().name("tables").factory());
    private final CompletableFuture<Void> closed;
    private final CompletableFuture<Void> checked;

    /**
     * Begins with the tables.
     *
     * @param touched what was changed in a proven base; null: everything may have been
     */
    Finishing(Workspace tables, Path directory, @Nullable Touched touched) {
        this.directory = directory;
        this.touched = touched;
        this.closed = CompletableFuture.runAsync(tables::complete, beside);
        this.checked = closed.thenRunAsync(() -> ChromaDatabase.checkTables(directory), beside);
    }

    /** Brings the indexes up to date. When it returns all is written, and the tables are closed. */
    void write(SnapshotFiles files) {
        files.index();
        await(closed);
    }

    /**
     * Reads what now lies on disk as a stranger would.
     *
     * @param applied digest of all that went into a new database; null if there was a base
     * @return digest of the records
     * @throws FailureException {@code INVARIANT output-unsound}
     */
    String prove(@Nullable RecordDigest applied) {
        try (var snapshot = ChromaDatabase.openTrusted(directory)) {
            snapshot.prove(touched);
            await(checked);
            // A cosine index gives a vector back as direction times length, which rounds.
            if (applied != null && snapshot.collections().stream().noneMatch(each -> each.space() == Space.COSINE)) {
                return applied.value();
            }
            return touched == null ? RecordDigest.of(snapshot) : touched.digest(snapshot);
        } catch (FailureException e) {
            throw e.failure().blame() == Blame.INPUT
                    ? new FailureException(
                            Blame.INVARIANT,
                            "output-unsound",
                            "prove " + directory + ": " + e.failure().reason() + ": "
                                    + e.failure().message(),
                            e)
                    : e;
        }
    }

    /** The same, and leaves a {@link Seal} beside the files. */
    String seal(@Nullable RecordDigest applied) {
        var sums = checked.thenApplyAsync(_ -> Seal.sums(directory), beside);
        String proven = prove(applied);
        new Seal(proven, await(sums)).write(directory);
        return proven;
    }

    private static <T> T await(CompletableFuture<T> work) {
        try {
            return work.join();
        } catch (CompletionException e) {
            throw Elsewhere.thrown(e);
        }
    }

    /** Returns when nothing runs any more. */
    @Override
    public void close() {
        beside.close();
    }
}
