package dev.chromacompactor.chroma;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A digest of a set of records that does not depend on their order: the sum, modulo 2¹²⁸, of the first 128 bits of
 * SHA-256 over each record's collection name, id, vector bits, document and metadata.
 *
 * <p>Bytes hashed, little-endian, each text and vector with its length before it: collection, id, vector, document
 * (length −1 if there is none), then key, type and value of the metadata in the order of the keys as UTF-8.
 */
public final class RecordDigest {
    private final MessageDigest sha256;
    /** Not a buffer: each of its calls is a dozen, and the compiler would inline them all into whoever hashes. */
    private byte[] bytes = new byte[1 << 16];

    private int size;
    private long high;
    private long low;

    public RecordDigest() {
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /**
     * The sum that {@link #value} wrote, to be continued.
     *
     * @param value 32 hexadecimal digits
     */
    public static RecordDigest from(String value) {
        if (value.length() != 32) {
            throw new IllegalArgumentException("a digest has 32 hexadecimal digits: " + value);
        }
        var digest = new RecordDigest();
        digest.high = Long.parseUnsignedLong(value, 0, 16, 16);
        digest.low = Long.parseUnsignedLong(value, 16, 32, 16);
        return digest;
    }

    /** Of all live records of a database. */
    public static String of(ChromaDatabase database) {
        var digest = new RecordDigest();
        for (CollectionInfo collection : database.collections()) {
            database.entries(collection, entry -> {
                if (entry.live() != null) {
                    digest.add(collection.name(), entry.id(), entry.live());
                }
            });
        }
        return digest.value();
    }

    /** Adds one live record. */
    public void add(String collection, String id, Entry.Live live) {
        var hash = hash(collection, id, live);
        plus(hash.getLong(), hash.getLong());
    }

    /** Takes a record away that was added before: what is left is the digest of the others. */
    public void subtract(String collection, String id, Entry.Live live) {
        minus(hash(collection, id, live));
    }

    /** Takes a record away by what {@link #end} gave of it. */
    void minus(ByteBuffer hash) {
        long h = hash.getLong();
        long l = hash.getLong();
        high -= h + (Long.compareUnsigned(low, l) < 0 ? 1 : 0);
        low -= l;
    }

    /** Adds all records of another digest. */
    public void add(RecordDigest other) {
        plus(other.high, other.low);
    }

    /** Adds a record by what {@link #end} gave of it, its first and its last 64 bits. */
    void plus(long h, long l) {
        low += l;
        high += h + (Long.compareUnsigned(low, l) < 0 ? 1 : 0);
    }

    private ByteBuffer hash(String collection, String id, Entry.Live live) {
        size = 0;
        put(collection);
        put(id);
        put(live.vector());
        put(live.document());
        var sorted = new TreeMap<String, MetadataValue>(RecordDigest::compare);
        sorted.putAll(live.metadata());
        sorted.forEach((key, value) -> {
            put(key);
            put(value);
        });
        return hash();
    }

    /** As UTF-8 sorts: by code points, where {@code compareTo} goes by the halves of pairs. */
    private static int compare(String a, String b) {
        for (int i = 0; i < Math.min(a.length(), b.length()); i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean one = Character.isSurrogate(x);
                return one == Character.isSurrogate(y) ? Character.compare(x, y) : one ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    /** Begins a record that is hashed value by value, in the order of the keys as UTF-8; texts are UTF-8. */
    void begin(byte[] collection, byte[] id, byte[] vector, byte @Nullable [] document) {
        size = 0;
        put(collection);
        put(id);
        putInt(vector.length / Float.BYTES);
        putAll(vector);
        if (document == null) {
            put((String) null);
        } else {
            put(document);
        }
    }

    void text(byte[] key, byte[] value) {
        key(key, 's');
        put(value);
    }

    void whole(byte[] key, long value) {
        key(key, 'i');
        putLong(value);
    }

    void real(byte[] key, double value) {
        key(key, 'f');
        putLong(Double.doubleToLongBits(value));
    }

    void flag(byte[] key, boolean value) {
        key(key, 'b');
        putByte(value ? 1 : 0);
    }

    /** The hash of that record, which is not added yet. */
    ByteBuffer end() {
        return hash();
    }

    private void key(byte[] key, char kind) {
        put(key);
        putByte(kind);
    }

    private ByteBuffer hash() {
        sha256.update(bytes, 0, size);
        return ByteBuffer.wrap(sha256.digest());
    }

    /** 32 hexadecimal digits. */
    public String value() {
        return "%016x%016x".formatted(high, low);
    }

    @Override
    public String toString() {
        return value();
    }

    private void put(MetadataValue value) {
        switch (value) {
            case MetadataValue.Text(String text) -> {
                putByte('s');
                put(text);
            }
            case MetadataValue.Whole(long whole) -> {
                putByte('i');
                putLong(whole);
            }
            case MetadataValue.Real(double real) -> {
                putByte('f');
                putLong(Double.doubleToLongBits(real));
            }
            case MetadataValue.Flag(boolean flag) -> {
                putByte('b');
                putByte(flag ? 1 : 0);
            }
            case MetadataValue.Many(var values) -> {
                putByte('l');
                putInt(values.size());
                values.forEach(this::put);
            }
        }
    }

    private void put(@Nullable String text) {
        if (text == null) {
            putInt(-1);
        } else {
            put(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    private void put(byte[] utf8) {
        putInt(utf8.length);
        putAll(utf8);
    }

    private void put(float[] vector) {
        putInt(vector.length);
        for (float x : vector) {
            putInt(Float.floatToRawIntBits(x));
        }
    }

    private void putAll(byte[] more) {
        room(more.length);
        System.arraycopy(more, 0, bytes, size, more.length);
        size += more.length;
    }

    private void putLong(long value) {
        putInt((int) value);
        putInt((int) (value >>> Integer.SIZE));
    }

    private void putInt(int value) {
        room(Integer.BYTES);
        bytes[size] = (byte) value;
        bytes[size + 1] = (byte) (value >>> 8);
        bytes[size + 2] = (byte) (value >>> 16);
        bytes[size + 3] = (byte) (value >>> 24);
        size += Integer.BYTES;
    }

    private void putByte(int value) {
        room(1);
        bytes[size++] = (byte) value;
    }

    private void room(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, size + more));
        }
    }
}
