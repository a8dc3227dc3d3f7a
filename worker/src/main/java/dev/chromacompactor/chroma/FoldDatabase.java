package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * One connection to a private SQLite file with its statements kept prepared. Writing needs no journal: the file is
 * nobody else's until it is finished, and thrown away if it is not.
 */
final class FoldDatabase implements AutoCloseable {
    /** The name of the file that is attached, in the statements that {@link #update} and its like are given. */
    static final String ATTACHED = "source";

    /** Of pages, while it is written. */
    static final long CACHE_BYTES = 64L << 20;

    /** Nothing is let go of in a transaction, and to end one writes each page that was changed. SQLite takes ten at most. */
    private static final int MOST_ATTACHED = 8;

    private final Path file;
    private final Connection connection;
    private final Map<String, PreparedStatement> statements = new HashMap<>();

    private final boolean borrowed;
    private int attached;

    private FoldDatabase(Path file, SQLiteConfig config) {
        this.file = file;
        this.borrowed = false;
        try {
            this.connection = config.createConnection("jdbc:sqlite:" + file);
        } catch (SQLException e) {
            throw failure("open", e);
        }
    }

    private FoldDatabase(Path file, Connection connection) {
        this.file = file;
        this.connection = connection;
        this.borrowed = true;
    }

    /** By way of a connection that stays open. */
    static FoldDatabase over(Path file, Connection connection) {
        return new FoldDatabase(file, connection);
    }

    /** For writing, in one transaction that {@link #commit} ends. */
    static FoldDatabase writable(Path file) {
        SQLiteConfig config = SqliteFile.config();
        config.setJournalMode(SQLiteConfig.JournalMode.OFF);
        config.setSynchronous(SQLiteConfig.SynchronousMode.OFF);
        config.setCacheSize((int) -(CACHE_BYTES >> 10));
        // Else the driver prepares and runs one more statement after each INSERT.
        config.setGetGeneratedKeys(false);
        var database = new FoldDatabase(file, config);
        database.update("BEGIN");
        return database;
    }

    static FoldDatabase readOnly(Path file) {
        SQLiteConfig config = SqliteFile.config();
        config.setReadOnly(true);
        return new FoldDatabase(file, config);
    }

    Path file() {
        return file;
    }

    @FunctionalInterface
    interface Row<T extends @Nullable Object> {
        T read(ResultSet row) throws SQLException;
    }

    @FunctionalInterface
    interface Each {
        void accept(ResultSet row) throws SQLException;
    }

    int update(String sql, @Nullable Object... arguments) {
        try {
            return bound(sql, arguments).executeUpdate();
        } catch (SQLException e) {
            throw failure(sql, e);
        }
    }

    /** A query may run inside the {@code each} of another, but not of itself. */
    void each(String sql, Each each, @Nullable Object... arguments) {
        try (var rows = bound(sql, arguments).executeQuery()) {
            while (rows.next()) {
                each.accept(rows);
            }
        } catch (SQLException e) {
            throw failure(sql, e);
        }
    }

    <T> List<T> list(String sql, Row<T> row, @Nullable Object... arguments) {
        var all = new ArrayList<T>();
        each(sql, r -> all.add(row.read(r)), arguments);
        return all;
    }

    <T> Optional<T> first(String sql, Row<T> row, @Nullable Object... arguments) {
        try (var rows = bound(sql, arguments).executeQuery()) {
            return rows.next() ? Optional.of(row.read(rows)) : Optional.empty();
        } catch (SQLException e) {
            throw failure(sql, e);
        }
    }

    long number(String sql, @Nullable Object... arguments) {
        return first(sql, row -> row.getLong(1), arguments).orElse(0L);
    }

    boolean hasTable(String name) {
        return number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", name) > 0;
    }

    /** Drops the indexes of a table; returns the statements that make them again. */
    List<String> dropIndexes(String table) {
        record Index(String name, String sql) {}
        var indexes = list(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
                row -> new Index(row.getString(1), row.getString(2)),
                table);
        indexes.forEach(index -> update("DROP INDEX \"" + index.name + '"'));
        return indexes.stream().map(Index::sql).toList();
    }

    /** Bytes of the file as it will be. */
    long size() {
        return number("PRAGMA page_count") * number("PRAGMA page_size");
    }

    /**
     * Makes the tables of another file readable here, as {@value #ATTACHED}, until the next one is attached; nothing is written to it. It
     * stays open until {@link #detach}, or {@link #commit}, or {@value #MOST_ATTACHED} more have come.
     */
    void attach(Path other) {
        if (attached == MOST_ATTACHED) {
            detach();
        } else if (attached > 0) {
            // Nothing more is asked of it, yet its pages, 2 MiB at most, would stay in memory until then.
            update("PRAGMA " + ATTACHED + attached + ".cache_size = 0");
        }
        update(
                "ATTACH ? AS " + ATTACHED + (attached + 1),
                "file:" + other.toAbsolutePath().toUri().getRawPath() + "?mode=ro&immutable=1");
        attached++;
    }

    /** Lets go of all that is attached. */
    void detach() {
        commit();
        update("BEGIN");
    }

    void commit() {
        update("COMMIT");
        for (; attached > 0; attached--) {
            update("DETACH " + ATTACHED + attached);
        }
    }

    /**
     * Closes it and gives back the room of what was deleted, if it is worth a rewrite of the file: into another one beside it, as
     * a VACUUM in place would keep the whole copy in memory.
     */
    void closeCompacted() {
        boolean worthwhile = 4 * number("PRAGMA freelist_count") > number("PRAGMA page_count");
        Path beside = file.resolveSibling(file.getFileName() + ".next");
        if (worthwhile) {
            update("VACUUM INTO ?", beside.toString());
        }
        close();
        if (worthwhile) {
            try {
                Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
            } catch (IOException e) {
                throw FailureException.disk("move " + beside + " to " + file, e);
            }
        }
    }

    private PreparedStatement bound(String sql, @Nullable Object... arguments) throws SQLException {
        String named = sql.replace(ATTACHED + ".", ATTACHED + attached + ".");
        var statement = statements.get(named);
        if (statement == null) {
            statement = connection.prepareStatement(named);
            statements.put(named, statement);
        }
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case null -> statement.setNull(i + 1, java.sql.Types.NULL);
                case Long whole -> statement.setLong(i + 1, whole);
                case Integer whole -> statement.setInt(i + 1, whole);
                case Double real -> statement.setDouble(i + 1, real);
                case String text -> statement.setString(i + 1, text);
                case byte[] blob -> statement.setBytes(i + 1, blob);
                default -> throw new IllegalArgumentException("cannot bind " + arguments[i].getClass());
            }
        }
        return statement;
    }

    private FailureException failure(String doing, SQLException e) {
        var code = e instanceof SQLiteException sqlite ? sqlite.getResultCode() : SQLiteErrorCode.UNKNOWN_ERROR;
        var message = file + ": " + doing + ": " + e.getMessage();
        return switch (SQLiteErrorCode.getErrorCode(code.code & 0xff)) {
            case SQLITE_CORRUPT, SQLITE_NOTADB -> new FailureException(Blame.INPUT, "sqlite-corrupt", message, e);
            // No such table or column: not what the schema level promises.
            case SQLITE_ERROR -> new FailureException(Blame.INPUT, "schema-unknown", message, e);
            case SQLITE_FULL -> new FailureException(Blame.NODE, "disk-full", message, e);
            default -> new FailureException(Blame.NODE, "sqlite-failed", message, e);
        };
    }

    @Override
    public void close() {
        try {
            for (var statement : statements.values()) {
                statement.close();
            }
            statements.clear();
            if (!borrowed) {
                connection.close();
            }
        } catch (SQLException e) {
            throw failure("close", e);
        }
    }
}
