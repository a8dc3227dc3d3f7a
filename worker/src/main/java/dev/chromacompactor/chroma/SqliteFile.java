package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import org.sqlite.SQLiteOpenMode;

/**
 * The {@code chroma.sqlite3} of one directory, opened so that nothing is ever written: no journal is rolled back, no
 * {@code -wal} or {@code -shm} is made. Turns SQLite's errors into failures.
 */
final class SqliteFile implements AutoCloseable {
    static final String NAME = "chroma.sqlite3";

    private static final byte[] MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);
    private static final int HEADER_BYTES = 100;
    /** Offset of the read version: 2 means write-ahead log. */
    private static final int READ_VERSION = 19;

    /** Most deltas fit into it: what a check has read need not be read again. */
    private static final int CACHE_KIB = 8 << 10;

    private final Path path;
    private final Connection connection;

    private SqliteFile(Path path, Connection connection) {
        this.path = path;
        this.connection = connection;
    }

    @FunctionalInterface
    interface Row {
        void accept(ResultSet row) throws SQLException;
    }

    @FunctionalInterface
    interface Sql<T> {
        T run(Connection connection) throws SQLException;
    }

    /** Refuses what is not there, not SQLite, or was left behind in the middle of a transaction. */
    static SqliteFile open(Path directory) {
        Path path = directory.resolve(NAME);
        if (!Files.isRegularFile(path)) {
            throw FailureException.input("sqlite-missing", "open " + directory + ": there is no " + NAME);
        }
        try {
            byte[] header = head(path, HEADER_BYTES);
            if (header.length < HEADER_BYTES || !Arrays.equals(header, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
                throw FailureException.input("sqlite-corrupt", "open " + path + ": it has no SQLite header");
            }
            refuseOpenTransaction(path);
            return new SqliteFile(path, connect(path, header[READ_VERSION] == 2));
        } catch (IOException e) {
            throw FailureException.disk("open " + path, e);
        } catch (SQLException e) {
            throw explain(e, "open " + path);
        }
    }

    /** A hot journal must be rolled back, a filled WAL checkpointed: both would change the file, so both are refused. */
    private static void refuseOpenTransaction(Path path) throws IOException {
        Path wal = path.resolveSibling(NAME + "-wal");
        Path journal = path.resolveSibling(NAME + "-journal");
        boolean filledWal = Files.exists(wal) && Files.size(wal) > 0;
        // A finished transaction leaves a journal that is deleted, empty or begins with zeros.
        byte[] mark = Files.exists(journal) ? head(journal, 8) : new byte[0];
        if (filledWal || !Arrays.equals(mark, new byte[mark.length])) {
            throw FailureException.input(
                    "sqlite-open-transaction",
                    "open " + path + ": " + (filledWal ? wal : journal).getFileName()
                            + " holds a transaction that was not finished when the file was copied");
        }
    }

    private static byte[] head(Path path, int bytes) throws IOException {
        try (var in = Files.newInputStream(path)) {
            return in.readNBytes(bytes);
        }
    }

    /** What all connections have in common. */
    static SQLiteConfig config() {
        var config = new SQLiteConfig();
        config.setTempStore(SQLiteConfig.TempStore.MEMORY);
        // The driver lets one thread at a time into a connection: SQLite need not lock it again at every step.
        config.setOpenMode(SQLiteOpenMode.NOMUTEX);
        return config;
    }

    private static Connection connect(Path path, boolean writeAheadLog) throws SQLException {
        SQLiteConfig config = config();
        config.setReadOnly(true);
        config.setCacheSize(-CACHE_KIB);
        // In write-ahead mode even a reader makes a -shm file, unless it is told that nobody writes.
        String mode = writeAheadLog ? "?mode=ro&immutable=1" : "?mode=ro";
        return config.createConnection(
                "jdbc:sqlite:file:" + path.toAbsolutePath().toUri().getRawPath() + mode);
    }

    Path path() {
        return path;
    }

    Connection connection() {
        return connection;
    }

    /** Runs {@code body}; {@code doing} names the step in the message of a failure. */
    <T> T run(String doing, Sql<T> body) {
        try {
            return body.run(connection);
        } catch (SQLException e) {
            throw explain(e, doing + " in " + path);
        }
    }

    /** Calls {@code each} for every row, streaming. */
    void query(String doing, String sql, List<?> parameters, Row each) {
        run(doing, c -> {
            try (PreparedStatement statement = c.prepareStatement(sql)) {
                for (int i = 0; i < parameters.size(); i++) {
                    statement.setObject(i + 1, parameters.get(i));
                }
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        each.accept(rows);
                    }
                }
            }
            return true;
        });
    }

    /** The first column of the first row as a number; 0 if there is no row or it is null. */
    long number(String doing, String sql, Object... parameters) {
        long[] result = {0};
        query(doing, sql, List.of(parameters), row -> result[0] = row.getLong(1));
        return result[0];
    }

    /** Page structure, record format, index entries: everything SQLite can tell without reading twice. */
    void quickCheck() {
        query("check pages", "PRAGMA quick_check(1)", List.of(), row -> {
            String verdict = row.getString(1);
            if (!"ok".equals(verdict)) {
                throw FailureException.input("sqlite-corrupt", "check pages in " + path + ": " + verdict);
            }
        });
    }

    /** Frees the pages that are kept in memory: nothing more, or little, will be asked. */
    void releaseCache() {
        run("release the cache", c -> {
            try (Statement statement = c.createStatement()) {
                return statement.execute("PRAGMA shrink_memory");
            }
        });
    }

    /** What {@code getString} gives of a column that is never null, for less. */
    static String text(ResultSet row, int column) throws SQLException {
        return new String(row.getBytes(column), StandardCharsets.UTF_8);
    }

    /** A WAL position: INTEGER since 1.0, before that 8 bytes, big-endian. */
    static long position(ResultSet row, int column) throws SQLException {
        return switch (row.getObject(column)) {
            case Number number -> number.longValue();
            case byte[] bytes
            when bytes.length <= Long.BYTES -> {
                long value = 0;
                for (byte b : bytes) {
                    value = value << 8 | (b & 0xff);
                }
                yield value;
            }
            case null, default ->
                throw FailureException.input(
                        "schema-unknown",
                        "read a WAL position: column " + row.getMetaData().getColumnName(column)
                                + " holds neither a number nor 8 bytes");
        };
    }

    private static FailureException explain(SQLException e, String doing) {
        SQLiteErrorCode code = e instanceof SQLiteException s ? s.getResultCode() : SQLiteErrorCode.UNKNOWN_ERROR;
        String message = doing + ": " + e.getMessage();
        return switch (SQLiteErrorCode.getErrorCode(code.code & 0xff)) {
            case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT ->
                new FailureException(Blame.INPUT, "sqlite-corrupt", message, e);
            // "no such table", "no such column": the file is sound but not what the migrations promise.
            case SQLITE_ERROR -> new FailureException(Blame.INPUT, "schema-unknown", message, e);
            default -> new FailureException(Blame.NODE, "sqlite-failed", message, e);
        };
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw explain(e, "close " + path);
        }
    }
}
