package dev.chromacompactor.cli;

import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** Chroma databases on local disk, as people name them: a directory, its {@code chroma.sqlite3}, or an archive. */
final class Local {
    private static final String DATABASE_FILE = "chroma.sqlite3";

    private Local() {}

    static void requireThere(Path path) {
        if (!Files.exists(path)) {
            throw FailureException.input("input-missing", path + ": there is no such file or directory");
        }
    }

    /**
     * The directory holding {@code chroma.sqlite3}.
     *
     * @param into where an archive is unpacked; made when it is needed
     */
    static Path database(Path path, Supplier<Path> into) {
        requireThere(path);
        if (Files.isDirectory(path)) {
            return path;
        }
        if (path.endsWith(DATABASE_FILE)) {
            return path.resolveSibling("").toAbsolutePath();
        }
        Path directory = into.get();
        Archives.unpack(path, directory, Archives.Limits.DEFAULT);
        return Archives.databaseRoot(directory);
    }

    /** What is thrown names the path it is about. */
    static <T> T about(Path path, Supplier<T> step) {
        try {
            return step.get();
        } catch (FailureException e) {
            Failure failure = e.failure();
            throw failure.message().startsWith(path + ": ")
                    ? e
                    : new FailureException(failure.blame(), failure.reason(), path + ": " + failure.message(), e);
        }
    }
}
