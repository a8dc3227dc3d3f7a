package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class SafeCloseTest {
    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration WAIT = Duration.ofMillis(500);

    @TempDir
    Path directory;

    private Path database;
    private Path index;

    private Instant now = Instant.parse("2026-11-24T06:00:00Z");
    private int rests;
    private IntConsumer atRest = rest -> {};

    @BeforeEach
    void make_a_database() throws SQLException, IOException {
        database = directory.resolve("chroma.sqlite3");
        index = Files.createDirectory(directory.resolve("0d1c")).resolve("data_level0.bin");
        Files.write(index, new byte[1 << 16]);
        try (var connection = open();
                var statement = connection.createStatement()) {
            statement.execute("CREATE TABLE t(x)");
        }
    }

    private Connection open() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + database);
    }

    /** Waits by a clock that moves only while resting. */
    private Duration await() {
        return SafeClose.await(directory, POLL, WAIT, () -> now, duration -> {
            now = now.plus(duration);
            rests++;
            atRest.accept(rests);
        });
    }

    private Failure stillLocked() {
        var thrown = catchThrowableOfType(FailureException.class, this::await);
        assertThat(thrown).as("a failure").isNotNull();
        assertThat(thrown.failure().blame()).isEqualTo(Blame.NODE);
        assertThat(thrown.failure().reason()).isEqualTo("files-still-locked");
        assertThat(rests).isEqualTo(10);
        return thrown.failure();
    }

    @Test
    void what_nobody_holds_is_free_after_one_poll() throws IOException {
        var before = Files.readAllBytes(database);
        assertThat(await()).isEqualTo(POLL);
        assertThat(Files.readAllBytes(database)).isEqualTo(before);
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("chroma.sqlite3", "0d1c");
    }

    @Test
    void a_database_in_wal_mode_is_free_too_and_gets_no_files_beside_it() throws Exception {
        try (var connection = open();
                var statement = connection.createStatement()) {
            statement.execute("PRAGMA journal_mode=WAL");
            statement.execute("INSERT INTO t VALUES (1)");
        }
        assertThat(await()).isEqualTo(POLL);
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("chroma.sqlite3", "0d1c");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_file_that_another_process_holds_is_waited_for() throws Exception {
        for (var file : List.of(database, index)) {
            rests = 0;
            try (var other = new Holding(file)) {
                atRest = rest -> {
                    if (rest == 5) {
                        other.release();
                    }
                };
                assertThat(await()).isEqualTo(POLL.multipliedBy(5));
            }
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_file_that_another_process_keeps_holding_is_reported_with_its_name() throws Exception {
        try (var other = new Holding(database);
                var another = new Holding(index)) {
            assertThat(stillLocked().message())
                    .contains(directory.toString(), "500 ms")
                    .contains("chroma.sqlite3 is open in pid " + other.pid() + " (sh -c exec 3<")
                    .contains("0d1c/data_level0.bin is open in pid " + another.pid() + " (sh -c");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_file_is_recognised_under_another_name() throws Exception {
        var link = Files.createLink(directory.resolveSibling(directory.getFileName() + "-link"), database);
        try (var other = new Holding(link)) {
            assertThat(stillLocked().message()).contains("pid " + other.pid());
        } finally {
            Files.delete(link);
        }
    }

    @Test
    void an_open_transaction_of_our_own_is_reported() throws SQLException {
        try (var connection = open();
                var statement = connection.createStatement()) {
            statement.execute("BEGIN");
            statement.execute("INSERT INTO t VALUES (1)");
            assertThat(stillLocked().message())
                    .containsAnyOf("this process", "locked by another connection")
                    .contains("chroma.sqlite3-journal is still there");
            statement.execute("ROLLBACK");
        }
        rests = 0;
        assertThat(await()).isEqualTo(POLL);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_descriptor_of_our_own_that_was_leaked_is_reported() throws IOException {
        try (var leaked = Files.newInputStream(index)) {
            assertThat(leaked.read()).isZero();
            assertThat(stillLocked().message())
                    .contains("0d1c/data_level0.bin is open in this process (pid "
                            + ProcessHandle.current().pid() + ")");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_mapping_of_our_own_that_was_left_is_reported() throws IOException {
        try (var arena = Arena.ofConfined()) {
            try (var channel = FileChannel.open(index, StandardOpenOption.READ)) {
                assertThat(channel.map(FileChannel.MapMode.READ_ONLY, 0, 1 << 16, arena)
                                .byteSize())
                        .isEqualTo(1 << 16);
            }
            assertThat(stillLocked().message()).contains("data_level0.bin is open in this process", "as a mapping");
        }
        rests = 0;
        assertThat(await()).isEqualTo(POLL);
    }

    @Test
    void files_that_still_change_are_waited_for() {
        atRest = rest -> {
            if (rest <= 7) {
                touch(index, rest);
            }
        };
        assertThat(await()).isEqualTo(POLL.multipliedBy(8));
    }

    @Test
    void files_that_never_stand_still_are_reported() {
        atRest = rest -> touch(database, rest);
        assertThat(stillLocked().message()).contains("sizes or times still change");
    }

    private static void touch(Path file, int minute) {
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH.plusSeconds(60L * minute)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void what_is_left_beside_the_database_is_reported() throws IOException {
        for (var suffix : List.of("-wal", "-shm", "-journal")) {
            rests = 0;
            var left = Files.createFile(directory.resolve("chroma.sqlite3" + suffix));
            assertThat(stillLocked().message()).contains("chroma.sqlite3" + suffix + " is still there");
            Files.delete(left);
        }
    }

    @Test
    void an_interrupt_ends_the_wait() {
        var thrown = catchThrowableOfType(
                FailureException.class,
                () -> SafeClose.await(directory, POLL, WAIT, () -> now, duration -> {
                    throw new InterruptedException();
                }));
        assertThat(thrown.failure().reason()).isEqualTo("interrupted");
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void no_database_and_none_that_is_one_are_told() throws IOException {
        Files.writeString(database, "not a database, but long enough to look like one, said the header".repeat(20));
        var thrown = catchThrowableOfType(FailureException.class, this::await);
        assertThat(thrown.failure().reason()).isEqualTo("database-unreadable");
        Files.delete(database);
        thrown = catchThrowableOfType(FailureException.class, this::await);
        assertThat(thrown.failure().reason()).isEqualTo("database-missing");
    }

    @Test
    void poll_and_wait_must_be_positive() {
        assertThatThrownBy(() -> SafeClose.await(directory, Duration.ZERO, WAIT))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SafeClose.await(directory, POLL, Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void by_the_real_clock_it_takes_a_poll() {
        assertThat(SafeClose.await(directory, POLL, Duration.ofSeconds(30))).isBetween(POLL, Duration.ofSeconds(30));
    }

    /** Another process that has the file open until it is closed. */
    private static final class Holding implements AutoCloseable {
        private final Process process;

        Holding(Path file) throws IOException {
            process =
                    new ProcessBuilder("sh", "-c", "exec 3<\"$1\"; echo ready; read x", "sh", file.toString()).start();
            var ready = new ArrayList<Integer>();
            for (int c = process.getInputStream().read();
                    c != '\n' && c >= 0;
                    c = process.getInputStream().read()) {
                ready.add(c);
            }
            assertThat(ready).as("output before the end of the line").hasSize("ready".length());
        }

        long pid() {
            return process.pid();
        }

        /** Ends the process and waits for that, so that it holds nothing afterwards. */
        void release() {
            process.destroy();
            process.onExit().join();
        }

        @Override
        public void close() {
            release();
        }
    }
}
