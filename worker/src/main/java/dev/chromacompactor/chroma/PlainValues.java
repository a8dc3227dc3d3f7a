package dev.chromacompactor.chroma;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The metadata rows of one record, in the order of their keys, as bytes: what is only copied and hashed need not become
 * Java strings. Used again for each record.
 */
final class PlainValues {
    /** Columns of a value: key, kind, value. A value that its column should not hold has no kind. */
    static final String COLUMNS = """
            m.key, CASE WHEN m.bool_value IS NOT NULL THEN iif(typeof(m.bool_value) = 'integer', 4, 0)
                        WHEN m.string_value IS NOT NULL THEN iif(typeof(m.string_value) = 'text', 1, 0)
                        WHEN m.int_value IS NOT NULL THEN iif(typeof(m.int_value) = 'integer', 2, 0)
                        WHEN m.float_value IS NOT NULL THEN iif(typeof(m.float_value) = 'real', 3, 0) ELSE 5 END,
            coalesce(m.bool_value, m.string_value, m.int_value, m.float_value)""";

    private static final byte[] DOCUMENT = Registers.DOCUMENT.getBytes(StandardCharsets.UTF_8);
    private static final int UNKNOWN = 0;
    private static final int TEXT = 1;
    private static final int WHOLE = 2;
    private static final int REAL = 3;
    private static final int FLAG = 4;
    /** 0.6 leaves such a row for NaN. */
    private static final int NOTHING = 5;

    private byte[][] keys = new byte[32][];
    private byte[][] texts = new byte[32][];
    private long[] numbers = new long[32];
    private int[] kinds = new int[32];
    private int size;
    private final BitSet sharpened = new BitSet();
    private boolean known;

    void clear() {
        size = 0;
        sharpened.clear();
        known = true;
    }

    /** Whether every row was one that can be copied as it is. */
    boolean known() {
        return known;
    }

    /** @param first the column where {@link #COLUMNS} begin */
    void add(ResultSet row, int first) throws SQLException {
        int kind = row.getInt(first + 1);
        if (kind == UNKNOWN || kind == NOTHING) {
            known &= kind == NOTHING;
            return;
        }
        if (size == keys.length) {
            grow();
        }
        byte[] key = row.getBytes(first);
        known &= !Arrays.equals(key, DOCUMENT) || kind == TEXT;
        keys[size] = key;
        kinds[size] = kind;
        switch (kind) {
            case TEXT -> texts[size] = row.getBytes(first + 2);
            case REAL -> numbers[size] = Double.doubleToLongBits(row.getDouble(first + 2));
            default -> numbers[size] = row.getLong(first + 2);
        }
        size++;
    }

    private void grow() {
        keys = Arrays.copyOf(keys, 2 * size);
        texts = Arrays.copyOf(texts, 2 * size);
        numbers = Arrays.copyOf(numbers, 2 * size);
        kinds = Arrays.copyOf(kinds, 2 * size);
    }

    /** Puts the producer's own double, as the WAL has it, in the place of one that drifted; see {@link StoredRecord#sharper}. */
    void sharpen(byte[] json, int keyFrom, int keyTo, double exact) {
        for (int i = 0; i < size; i++) {
            if (kinds[i] == REAL && Arrays.equals(keys[i], 0, keys[i].length, json, keyFrom, keyTo)) {
                double stored = Double.longBitsToDouble(numbers[i]);
                if (StoredRecord.drifted(stored, exact)) {
                    numbers[i] = Double.doubleToLongBits(exact);
                    sharpened.set(i);
                }
                return;
            }
        }
    }

    interface Sharpened {
        void put(String key, double exact);
    }

    /** Calls {@code each} for what the row that is copied does not hold exactly. */
    void sharpened(Sharpened each) {
        for (int i = sharpened.nextSetBit(0); i >= 0; i = sharpened.nextSetBit(i + 1)) {
            each.put(new String(keys[i], StandardCharsets.UTF_8), Double.longBitsToDouble(numbers[i]));
        }
    }

    /** The hash of the record, see {@link RecordDigest#end}. */
    ByteBuffer hash(RecordDigest digest, byte[] collection, byte[] id, byte[] vector) {
        digest.begin(collection, id, vector, document());
        for (int i = 0; i < size; i++) {
            switch (kinds[i]) {
                case TEXT -> {
                    if (!Arrays.equals(keys[i], DOCUMENT)) {
                        digest.text(keys[i], texts[i]);
                    }
                }
                case WHOLE -> digest.whole(keys[i], numbers[i]);
                case REAL -> digest.real(keys[i], Double.longBitsToDouble(numbers[i]));
                case FLAG -> digest.flag(keys[i], numbers[i] != 0);
                default -> throw new IllegalStateException("kind " + kinds[i]);
            }
        }
        return digest.end();
    }

    /** As members of a JSON object, without the document. Infinities are left out: JSON has none. */
    void writeTo(JsonGenerator json) throws IOException {
        for (int i = 0; i < size; i++) {
            boolean apart = Arrays.equals(keys[i], DOCUMENT)
                    || (kinds[i] == REAL && !Double.isFinite(Double.longBitsToDouble(numbers[i])));
            if (apart) {
                continue;
            }
            json.writeFieldName(new String(keys[i], StandardCharsets.UTF_8));
            switch (kinds[i]) {
                case TEXT -> json.writeUTF8String(texts[i], 0, texts[i].length);
                case WHOLE -> json.writeNumber(numbers[i]);
                case REAL -> json.writeNumber(Double.longBitsToDouble(numbers[i]));
                case FLAG -> json.writeBoolean(numbers[i] != 0);
                default -> throw new IllegalStateException("kind " + kinds[i]);
            }
        }
    }

    /** UTF-8; null if there is none. */
    byte @Nullable [] document() {
        for (int i = 0; i < size; i++) {
            if (Arrays.equals(keys[i], DOCUMENT)) {
                return texts[i];
            }
        }
        return null;
    }
}
