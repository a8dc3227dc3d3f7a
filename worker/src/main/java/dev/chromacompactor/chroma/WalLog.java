package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.failure.FailureException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one collection that are still in {@code embeddings_queue}, by id. Holds positions only, 8 bytes a row;
 * vectors and metadata stay in the file.
 */
final class WalLog {
    /** The same rows once more, from {@link #first} to {@link #last}: without looking at those of all other collections. */
    static final String AGAIN = " FROM embeddings_queue WHERE topic LIKE '%/' || ? AND seq_id BETWEEN ? AND ?";

    /** Per id, oldest first: position × 8 + 4 if the row has a vector + number of the operation. */
    private final Map<String, long[]> rows = new LinkedHashMap<>();

    private long first;
    private long last;

    /** @param position {@code seq_id} */
    record Row(long position, Operation operation, boolean hasVector) {}

    /**
     * Of all collections at once, by id: else each of hundreds of them would walk over the rows of all.
     *
     * @param collections whose rows are wanted; those of deleted ones are left alone
     */
    static Map<String, WalLog> read(SqliteFile file, List<CollectionInfo> collections) {
        Map<String, WalLog> logs = new HashMap<>();
        collections.forEach(each -> logs.put(each.id(), new WalLog()));
        file.query(
                "read the WAL",
                "SELECT seq_id, operation, id, vector IS NOT NULL, topic FROM embeddings_queue ORDER BY seq_id",
                List.of(),
                row -> {
                    WalLog log = logs.get(collection(SqliteFile.text(row, 5)));
                    if (log != null) {
                        log.add(file, row);
                    }
                });
        return logs;
    }

    /** Whose rows have this topic: it is {@code persistent://<tenant>/<namespace>/<collection id>}. */
    static String collection(String topic) {
        return topic.substring(topic.lastIndexOf('/') + 1);
    }

    private void add(SqliteFile file, ResultSet row) throws SQLException {
        Operation operation = Operation.of(row.getLong(2));
        if (operation == null) {
            throw FailureException.input(
                    "wal-unknown-operation",
                    "read the WAL in " + file.path() + ": row " + row.getLong(1) + " of id " + row.getString(3)
                            + " has operation " + row.getLong(2));
        }
        last = row.getLong(1);
        first = rows.isEmpty() ? last : first;
        long packed = last << 3 | row.getLong(4) << 2 | operation.number();
        rows.merge(SqliteFile.text(row, 3), new long[] {packed}, WalLog::append);
    }

    private static long[] append(long[] rows, long[] one) {
        long[] more = Arrays.copyOf(rows, rows.length + 1);
        more[rows.length] = one[0];
        return more;
    }

    /** Position of the first row; 0 if there is none. */
    long first() {
        return first;
    }

    /** Position of the last row; 0 if there is none. */
    long last() {
        return last;
    }

    /** In the order of their first rows. */
    Set<String> ids() {
        return rows.keySet();
    }

    /** The rows of one id, oldest first. */
    List<Row> of(String id) {
        long @Nullable [] packed = rows.get(id);
        return packed == null
                ? List.of()
                : new AbstractList<>() {
                    @Override
                    public Row get(int index) {
                        long row = packed[index];
                        return new Row(row >> 3, requireNonNull(Operation.of(row & 3)), (row & 4) != 0);
                    }

                    @Override
                    public int size() {
                        return packed.length;
                    }
                };
    }
}
