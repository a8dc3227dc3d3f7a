package dev.chromacompactor.compaction;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The temporary directory of one job. Everything a job writes lies below it, and it is gone when the job ends, however
 * it ends; so is what the job has taken of the worker's {@link Budget}.
 */
public final class Scratch implements AutoCloseable {
    private final Path root;
    private final Budget.@Nullable Room room;

    private Scratch(Path root, Budget.@Nullable Room room) {
        this.root = root;
        this.room = room;
    }

    /** A new directory below {@code parent}, which is made if it is missing. No budget bounds it. */
    public static Scratch below(Path parent, String name) {
        return below(parent, name, null);
    }

    static Scratch below(Path parent, String name, Budget.@Nullable Room room) {
        try {
            Files.createDirectories(parent);
            return new Scratch(Files.createTempDirectory(parent, name + "-"), room);
        } catch (IOException e) {
            throw new FailureException(
                    Blame.NODE, "scratch-unwritable", "make a scratch directory below " + parent + ": " + e, e);
        }
    }

    /** Waits until the budget has room for all that the job takes, what it holds already included. */
    public void reserve(Footprint need) {
        if (room != null) {
            room.atLeast(need);
        }
    }

    /** Waits until the budget has room for so much more than the job holds already. */
    void reserveMore(Footprint extra) {
        if (room != null) {
            room.more(extra);
        }
    }

    /** A new empty directory in it. */
    public Path directory(String name) {
        try {
            return Files.createDirectories(root.resolve(name));
        } catch (IOException e) {
            throw new FailureException(Blame.NODE, "scratch-unwritable", "make " + name + " in " + root + ": " + e, e);
        }
    }

    /** A directory in it that is empty, whatever was there before. */
    public Path emptied(String name) {
        Path directory = root.resolve(name);
        empty(directory);
        return directory;
    }

    /** Bytes of the files that lie here now. */
    public long size() {
        return Machine.sizeBelow(root);
    }

    /** A path in it at which nothing lies yet. */
    public Path file(String name) {
        return root.resolve(name);
    }

    /** Moves the files below {@code from} that are wanted, by their relative names, to the same names below {@code to}. */
    static void moveContents(Path from, Path to, Predicate<String> wanted) {
        try (var all = Files.walk(from)) {
            for (Path path : all.filter(Files::isRegularFile).toList()) {
                String name = from.relativize(path).toString();
                if (wanted.test(name)) {
                    Path target = to.resolve(name);
                    Files.createDirectories(target.getParent());
                    Files.move(path, target);
                }
            }
        } catch (IOException e) {
            throw new FailureException(Blame.NODE, "scratch-unwritable", "move " + from + " to " + to + ": " + e, e);
        }
    }

    /** Removes a directory of it before the end, since its space is needed. */
    public void remove(Path directory) {
        deleteTree(directory);
    }

    @Override
    public void close() {
        try (room) {
            deleteTree(root);
        }
    }

    /** Deletes all that is in a directory. */
    static void empty(Path directory) {
        deleteTree(directory);
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new FailureException(Blame.NODE, "scratch-unwritable", "make " + directory + ": " + e, e);
        }
    }

    /** Deletes a directory and all that is in it; what is gone already is no error. */
    static void deleteTree(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (var all = Files.walk(root)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new FailureException(Blame.NODE, "scratch-not-removed", "remove scratch " + root + ": " + e, e);
        }
    }
}
