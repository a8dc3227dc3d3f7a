package dev.chromacompactor.chroma;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The document and metadata of one id while they are put together. */
final class StoredRecord {
    private final Map<String, MetadataValue> values = new LinkedHashMap<>();

    /** One value from the columns string, int, float, bool that begin at {@code first}; null if none is set. */
    static @Nullable MetadataValue value(ResultSet row, int first) throws SQLException {
        long flag = row.getLong(first + 3);
        if (!row.wasNull()) {
            return new MetadataValue.Flag(flag != 0);
        }
        String text = row.getString(first);
        if (text != null) {
            return new MetadataValue.Text(text);
        }
        long whole = row.getLong(first + 1);
        if (!row.wasNull()) {
            return new MetadataValue.Whole(whole);
        }
        double real = row.getDouble(first + 2);
        return row.wasNull() ? null : new MetadataValue.Real(real);
    }

    /** Null removes the key. */
    void put(String key, @Nullable MetadataValue value) {
        if (value == null) {
            values.remove(key);
        } else {
            values.put(key, value);
        }
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    /**
     * Puts back the doubles the producer gave. 1.x leaves them exact in the WAL and often about one unit in the last
     * place off in the table.
     *
     * @param given what the WAL last said about each key
     */
    void sharpen(Map<String, MetadataValue> given) {
        given.forEach((key, exact) -> values.computeIfPresent(key, (k, stored) -> sharper(stored, exact)));
    }

    /** Whether this is what a rewrite by 1.x makes of a double: hardly another one. */
    static boolean drifted(double stored, double exact) {
        return stored != exact && Math.abs(stored - exact) <= 2 * Math.ulp(exact);
    }

    private static MetadataValue sharper(MetadataValue stored, MetadataValue exact) {
        if (stored instanceof MetadataValue.Real(double s) && exact instanceof MetadataValue.Real(double e)) {
            return drifted(s, e) ? exact : stored;
        } else if (stored instanceof MetadataValue.Many(var s)
                && exact instanceof MetadataValue.Many(var e)
                && s.size() == e.size()) {
            var values = new ArrayList<MetadataValue>(s.size());
            for (int i = 0; i < s.size(); i++) {
                values.add(sharper(s.get(i), e.get(i)));
            }
            return new MetadataValue.Many(values);
        }
        return stored;
    }

    Entry.Live live(float[] vector) {
        String document = values.remove(WalMetadata.DOCUMENT) instanceof MetadataValue.Text(String text) ? text : null;
        return new Entry.Live(vector, document, values);
    }
}
