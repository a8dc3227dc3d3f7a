package dev.chromacompactor.chroma;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A vector as bytes, as the WAL, the scratch and an index have it: float32, little-endian. */
final class Floats {
    private Floats() {}

    static float[] of(byte[] bytes) {
        float[] values = new float[bytes.length / Float.BYTES];
        read(bytes, values);
        return values;
    }

    /** Reads as many as {@code into} takes. */
    static void read(byte[] bytes, float[] into) {
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(into);
    }
}
