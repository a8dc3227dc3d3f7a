package dev.chromacompactor.cli;

import dev.chromacompactor.compaction.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/** A directory that a command makes: it appears whole, in one step, or not at all. */
final class NewDirectory implements AutoCloseable {
    private final Path target;
    private final Scratch scratch;

    private NewDirectory(Path target, Scratch scratch) {
        this.target = target;
        this.scratch = scratch;
    }

    /**
     * @param out as the user named it
     * @throws UsageException if something is there already
     */
    static NewDirectory at(Path out) {
        Path target = out.toAbsolutePath().normalize();
        if (Files.exists(target)) {
            throw new UsageException("--out " + out + " exists already: name a directory that does not");
        }
        // On the file system of the target, so that the last step is a rename; parents are made then, not before.
        Path existing = parent(target);
        while (!Files.exists(existing)) {
            existing = parent(existing);
        }
        if (!Files.isDirectory(existing)) {
            throw new UsageException("--out " + out + ": " + existing + " is no directory");
        }
        return new NewDirectory(target, Scratch.below(existing, "." + target.getFileName()));
    }

    /** Of something that is not there, and so is not the root. */
    private static Path parent(Path path) {
        return Objects.requireNonNull(path.getParent());
    }

    Path path() {
        return target;
    }

    /** For what is needed meanwhile, the content included; gone at the end. */
    Scratch scratch() {
        return scratch;
    }

    /** Visible from here. */
    void publish(Path content) throws IOException {
        Files.createDirectories(parent(target));
        Files.move(content, target, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void close() {
        scratch.close();
    }
}
