package dev.chromacompactor.chroma.hnsw;

/** Whether floats are numbers, none of them infinite or NaN. Without a branch, so it is quick before it is optimized. */
public final class Finite {
    private static final int EXPONENT = 0x7f80_0000;
    private static final int ONE = 0x0080_0000;

    private Finite() {}

    public static boolean all(float[] values) {
        int worst = 0;
        for (float value : values) {
            // All ones in an exponent, and one more, carry into the sign.
            worst |= (Float.floatToRawIntBits(value) & EXPONENT) + ONE;
        }
        return worst >= 0;
    }
}
