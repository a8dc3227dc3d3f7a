package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteOpenMode;

/**
 * Waits, after we closed a database ourselves, until nothing holds its files any more: then, and only then, is a copy of
 * them a database.
 *
 * <p>Every {@code poll} it looks whether
 *
 * <ul>
 *   <li>no {@code -wal}, {@code -shm} or {@code -journal} is left beside {@code chroma.sqlite3},
 *   <li>no process has {@code chroma.sqlite3} or an index file open, our own included (see {@link OpenFiles}),
 *   <li>SQLite grants an exclusive lock,
 *   <li>sizes and times of all files are what they were one poll before.
 * </ul>
 *
 * It therefore takes at least one poll. It writes nothing and leaves nothing behind.
 */
public final class SafeClose {
    /** How to wait; {@link Thread#sleep(Duration)} outside of tests. */
    @FunctionalInterface
    public interface Pause {
        void rest(Duration duration) throws InterruptedException;
    }

    private static final String DATABASE = SqliteFile.NAME;

    private SafeClose() {}

    /** As {@link #await(Path, Duration, Duration, InstantSource, Pause)}, by the system's clock. */
    public static Duration await(Path directory, Duration poll, Duration wait) {
        return await(directory, poll, wait, InstantSource.system(), Thread::sleep);
    }

    /**
     * @param directory a Chroma directory: {@code chroma.sqlite3} and its segment folders
     * @return how long it took
     * @throws FailureException {@code NODE files-still-locked} if anything still holds a file after {@code wait}, naming
     *     files and holders; {@code NODE interrupted}; {@code INVARIANT database-missing} or {@code database-unreadable} if
     *     there is no database to wait for
     */
    public static Duration await(Path directory, Duration poll, Duration wait, InstantSource clock, Pause pause) {
        if (!poll.isPositive() || !wait.isPositive()) {
            throw new IllegalArgumentException("poll and wait must be positive: " + poll + ", " + wait);
        }
        var start = clock.instant();
        var before = Map.<Path, Standing>of();
        while (true) {
            var now = standings(directory);
            var troubles = troubles(directory, now);
            if (troubles.isEmpty() && (now.isEmpty() || !now.equals(before))) {
                troubles = List.of("sizes or times still change");
            }
            var elapsed = Duration.between(start, clock.instant());
            if (troubles.isEmpty()) {
                return elapsed;
            }
            if (elapsed.compareTo(wait) >= 0) {
                throw new FailureException(
                        Blame.NODE,
                        "files-still-locked",
                        directory + " is still in use " + elapsed.toMillis() + " ms after it was closed: "
                                + String.join("; ", troubles));
            }
            rest(directory, min(poll, wait.minus(elapsed)), pause);
            before = now;
        }
    }

    /** What speaks against a copy right now, for people. The lock is tried last: it opens the file itself. */
    private static List<String> troubles(Path directory, Map<Path, Standing> files) {
        var troubles = new ArrayList<String>();
        for (var suffix : List.of("-wal", "-shm", "-journal")) {
            if (files.containsKey(directory.resolve(DATABASE + suffix))) {
                troubles.add(DATABASE + suffix + " is still there");
            }
        }
        for (var holder : OpenFiles.of(files.keySet())) {
            troubles.add(directory.relativize(holder.file()) + " is open in " + holder.who());
        }
        if (troubles.isEmpty() && isLocked(directory.resolve(DATABASE))) {
            troubles.add(DATABASE + " is locked by another connection");
        }
        return troubles;
    }

    private static boolean isLocked(Path database) {
        var config = new SQLiteConfig();
        config.resetOpenMode(SQLiteOpenMode.CREATE);
        config.setBusyTimeout(0);
        // Also keeps a database in WAL mode from making a -shm for the look.
        config.setLockingMode(SQLiteConfig.LockingMode.EXCLUSIVE);
        try (var connection = config.createConnection("jdbc:sqlite:" + database);
                var statement = connection.createStatement()) {
            statement.execute("BEGIN EXCLUSIVE");
            statement.execute("ROLLBACK");
            return false;
        } catch (SQLException e) {
            int code = e.getErrorCode() & 0xff;
            if (code == SQLiteErrorCode.SQLITE_BUSY.code || code == SQLiteErrorCode.SQLITE_LOCKED.code) {
                return true;
            }
            throw new FailureException(
                    Blame.INVARIANT, "database-unreadable", "lock " + database + ": " + e.getMessage(), e);
        }
    }

    /** Every file of the directory and of its segment folders; none if one vanished while we looked. */
    private static Map<Path, Standing> standings(Path directory) {
        var standings = new TreeMap<Path, Standing>();
        try (var paths = Files.walk(directory, 2)) {
            for (var path : (Iterable<Path>) paths::iterator) {
                var attributes = Files.readAttributes(path, BasicFileAttributes.class);
                if (attributes.isRegularFile()) {
                    standings.put(path, new Standing(attributes.size(), attributes.lastModifiedTime()));
                }
            }
        } catch (IOException | UncheckedIOException e) {
            var cause = e instanceof IOException io ? io : ((UncheckedIOException) e).getCause();
            if (!(cause instanceof NoSuchFileException)) {
                throw FailureException.disk("list " + directory, requireNonNull(cause));
            }
            standings.clear();
        }
        if (!Files.isRegularFile(directory.resolve(DATABASE))) {
            throw new FailureException(
                    Blame.INVARIANT, "database-missing", "no " + DATABASE + " in " + directory + " to wait for");
        }
        return standings;
    }

    private static void rest(Path directory, Duration duration, Pause pause) {
        try {
            pause.rest(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException(
                    Blame.NODE, "interrupted", "interrupted while waiting until nothing holds " + directory, e);
        }
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    private record Standing(long size, FileTime modified) {}
}
