package dev.chromacompactor.chroma;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A digest of a set of records that does not depend on their order: the sum, modulo 2¹²⁸, of the first 128 bits of
 * SHA-256 over each record's collection name, id, vector bits, document and metadata.
 *
 * <p>Bytes hashed, little-endian, each text and vector with its length before it: collection, id, vector, document
 * (length −1 if there is none), then key, type and value of the metadata in key order.
 */
public final class RecordDigest {
    private final MessageDigest sha256;
    private ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private long high;
    private long low;

    public RecordDigest() {
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
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
        bytes.clear();
        put(collection);
        put(id);
        put(live.vector());
        put(live.document());
        for (Map.Entry<String, MetadataValue> key : new TreeMap<>(live.metadata()).entrySet()) {
            put(key.getKey());
            put(key.getValue());
        }
        sha256.update(bytes.array(), 0, bytes.position());
        var hash = ByteBuffer.wrap(sha256.digest());
        long h = hash.getLong();
        long l = hash.getLong();
        low += l;
        high += h + (Long.compareUnsigned(low, l) < 0 ? 1 : 0);
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
        room(16);
        switch (value) {
            case MetadataValue.Text(String text) -> {
                bytes.put((byte) 's');
                put(text);
            }
            case MetadataValue.Whole(long whole) -> bytes.put((byte) 'i').putLong(whole);
            case MetadataValue.Real(double real) -> bytes.put((byte) 'f').putLong(Double.doubleToLongBits(real));
            case MetadataValue.Flag(boolean flag) -> bytes.put((byte) 'b').put((byte) (flag ? 1 : 0));
            case MetadataValue.Many(var values) -> {
                bytes.put((byte) 'l').putInt(values.size());
                values.forEach(this::put);
            }
        }
    }

    private void put(@Nullable String text) {
        if (text == null) {
            room(4);
            bytes.putInt(-1);
            return;
        }
        var utf8 = text.getBytes(StandardCharsets.UTF_8);
        room(4 + utf8.length);
        bytes.putInt(utf8.length).put(utf8);
    }

    private void put(float[] vector) {
        room(4 + 4 * vector.length);
        bytes.putInt(vector.length);
        for (float x : vector) {
            bytes.putInt(Float.floatToRawIntBits(x));
        }
    }

    private void room(int more) {
        if (bytes.remaining() < more) {
            var larger = ByteBuffer.allocate(Math.max(2 * bytes.capacity(), bytes.position() + more))
                    .order(ByteOrder.LITTLE_ENDIAN);
            bytes = larger.put(bytes.flip());
        }
    }
}
