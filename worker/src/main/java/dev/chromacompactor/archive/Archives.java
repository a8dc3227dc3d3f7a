package dev.chromacompactor.archive;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Archives of a Chroma directory: {@code .tar.gz} and {@code .tar.zst}, PAX or GNU, with members like {@code .},
 * {@code ./chroma.sqlite3} and {@code <uuid>/data_level0.bin}.
 *
 * <p>What they contain is not trusted. All failures but those of the disk are {@code INPUT} and name the member:
 *
 * <ul>
 *   <li>{@code archive-unsafe}: a path that leads out, a link or device, a member that stands there twice
 *   <li>{@code archive-too-large}: more members, bytes or expansion than the {@link Limits}
 *   <li>{@code archive-corrupt}: no tar at all, or cut or garbled
 * </ul>
 */
public final class Archives {
    private static final String DATABASE = "chroma.sqlite3";
    private static final List<String> SUFFIXES = List.of(".tar.gz", ".tar.zst");

    private Archives() {}

    /**
     * What an archive may expand to.
     *
     * @param entries members, folders included
     * @param bytes of all files together
     * @param ratio how many times its own size, beyond the first {@code freeBytes}: an index is preallocated, so small
     *     honest databases are mostly zeros and shrink a hundredfold
     */
    public record Limits(int entries, long bytes, int ratio, long freeBytes) {
        /** Far above any real delta or snapshot, far below what would hurt. */
        public static final Limits DEFAULT = new Limits(10_000, 64L << 30, 100, 1L << 30);

        public Limits {
            if (entries < 1 || bytes < 1 || ratio < 1 || freeBytes < 0) {
                throw new IllegalArgumentException("limits must be positive");
            }
        }
    }

    /** Whether a file or key of this name is taken for an archive. */
    public static boolean isArchive(String name) {
        return SUFFIXES.stream().anyMatch(suffix -> name.endsWith(suffix) && name.length() > suffix.length());
    }

    /**
     * Unpacks into a folder that exists and is empty. It is empty again if that fails. How the archive is compressed is
     * told by its content, not by its name: an HTTP client may have undone one layer, an uploader added one.
     */
    public static void unpack(Path archive, Path emptyDir, Limits limits) {
        unpack(archive, emptyDir, limits, bytes -> {});
    }

    /**
     * As {@link #unpack(Path, Path, Limits)}.
     *
     * @param beforeWriting told before each member how many bytes will lie in the folder after it, as its header says;
     *     whatever it throws ends the unpacking
     */
    public static void unpack(Path archive, Path emptyDir, Limits limits, LongConsumer beforeWriting) {
        requireEmpty(emptyDir);
        boolean done = false;
        try {
            new Unpacking(archive, emptyDir, limits, beforeWriting).run();
            done = true;
        } catch (IOException e) {
            throw FailureException.disk("unpack " + archive + " into " + emptyDir, e);
        } finally {
            if (!done) {
                clear(emptyDir);
            }
        }
    }

    /**
     * The folder of an unpacked tree that is the database: the one that holds {@code chroma.sqlite3}, at the top or one
     * level below.
     *
     * @throws FailureException {@code INPUT}: {@code sqlite-missing}, or {@code archive-ambiguous} if several folders do
     */
    public static Path databaseRoot(Path dir) {
        if (Files.isRegularFile(dir.resolve(DATABASE))) {
            return dir;
        }
        List<Path> found;
        try (var children = Files.list(dir)) {
            found = children.filter(child -> Files.isRegularFile(child.resolve(DATABASE)))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw FailureException.disk("list " + dir, e);
        }
        return switch (found.size()) {
            case 0 ->
                throw FailureException.input("sqlite-missing", "no " + DATABASE + " in the archive or its top folders");
            case 1 -> found.getFirst();
            default ->
                throw FailureException.input(
                        "archive-ambiguous",
                        "several databases in the archive: "
                                + String.join(
                                        ", ",
                                        found.stream()
                                                .map(each -> dir.relativize(each)
                                                        .resolve(DATABASE)
                                                        .toString())
                                                .toList()));
        };
    }

    private static void requireEmpty(Path dir) {
        try (var children = Files.list(dir)) {
            if (children.findAny().isPresent()) {
                throw new IllegalArgumentException("not empty: " + dir);
            }
        } catch (IOException e) {
            throw FailureException.disk("list " + dir, e);
        }
    }

    private static void clear(Path dir) {
        try (var tree = Files.walk(dir)) {
            for (var path : tree.sorted(Comparator.reverseOrder()).toList()) {
                if (!path.equals(dir)) {
                    Files.delete(path);
                }
            }
        } catch (IOException e) {
            throw FailureException.disk("clear " + dir, e);
        }
    }
}
