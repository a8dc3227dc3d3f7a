package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.failure.FailureException;
import java.lang.foreign.MemorySegment;

/** How a vector is kept: as it is, or for cosine divided by its length, which is kept beside it. A zero vector stays one. */
final class StoredForm {
    private StoredForm() {}

    /**
     * Turns a vector as its producer gave it into the stored form, in place.
     *
     * @return its length where that is kept; else 1
     */
    static float apply(String id, MemorySegment vector, Space space) {
        float[] values = vector.toArray(Layout.FLOAT);
        if (!Finite.all(values)) {
            int at = 0;
            while (Float.isFinite(values[at])) {
                at++;
            }
            throw FailureException.input(
                    "vector-not-finite", "indexing id " + id + ": value " + at + " is " + values[at]);
        }
        return space == Space.COSINE ? divided(id, values, vector) : 1;
    }

    private static float divided(String id, float[] values, MemorySegment into) {
        double squares = 0;
        for (float x : values) {
            squares += (double) x * x;
        }
        double length = Math.sqrt(squares);
        if (length > Float.MAX_VALUE) {
            throw FailureException.input("vector-not-finite", "indexing id " + id + ": its length is " + length);
        }
        if (length > 0) {
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (values[i] / length);
            }
            MemorySegment.copy(values, 0, into, Layout.FLOAT, 0, values.length);
        }
        return (float) length;
    }
}
