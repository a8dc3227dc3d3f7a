package dev.chromacompactor.chroma;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Directories of tests. */
public final class Folders {
    private Folders() {}

    /** Copies what is in a directory into another one, which is made if it is not there; returns that. */
    public static Path copy(Path from, Path to) {
        try (var paths = Files.walk(from)) {
            Files.createDirectories(to);
            for (Path path : paths.skip(1).toList()) {
                Files.copy(path, to.resolve(from.relativize(path)));
            }
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
