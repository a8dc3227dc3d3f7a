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
     * @return its length, which only a cosine index needs
     */
    static float apply(String id, MemorySegment vector, Space space) {
        int dimension = (int) (vector.byteSize() / 4);
        double squares = 0;
        for (int i = 0; i < dimension; i++) {
            float x = vector.getAtIndex(Layout.FLOAT, i);
            if (!Float.isFinite(x)) {
                throw FailureException.input("vector-not-finite", "indexing id " + id + ": value " + i + " is " + x);
            }
            squares += (double) x * x;
        }
        double length = Math.sqrt(squares);
        if (space == Space.COSINE && length > 0) {
            if (length > Float.MAX_VALUE) {
                throw FailureException.input("vector-not-finite", "indexing id " + id + ": its length is " + length);
            }
            for (int i = 0; i < dimension; i++) {
                vector.setAtIndex(Layout.FLOAT, i, (float) (vector.getAtIndex(Layout.FLOAT, i) / length));
            }
        }
        return (float) length;
    }
}
