package dev.chromacompactor.chroma.hnsw;

/**
 * What the batch build knows of each vector instead of all its values: the centred vector projected into a subspace, and a term for its part
 * in a distance, taken in full dimension. The distance of two is then about {@code terms[a] + terms[b] − factor ⟨z(a), z(b)⟩}.
 *
 * <ul>
 * <li>l2, and cosine, whose stored vectors have length 1: {@code terms[a] = |x(a) − μ|²}, factor 2; the result is the squared distance,
 *     for cosine twice its own, which is the same order;
 * <li>ip, {@code 1 − ⟨x(a), x(b)⟩}: {@code terms[a] = (1 + |μ|²) / 2 − ⟨x(a), μ⟩}, factor 1.
 * </ul>
 *
 * <p>With |z|² in place of |x − μ|² two that differ outside of the subspace would seem near.
 *
 * @param z one a row; rows are numbered as the caller likes
 * @param depth how many of its columns serve to find candidates; all serve to rank them
 */
record Sketch(Matrix z, float[] terms, float factor, int depth) {
    Sketch withDepth(int columns) {
        return new Sketch(z, terms, factor, columns);
    }

    /** The distance of two rows whose product is this; never NaN. */
    float distance(int a, int b, float product) {
        float distance = terms[a] + terms[b] - factor * product;
        return Float.isNaN(distance) ? Float.POSITIVE_INFINITY : distance;
    }

    /**
     * The distance of a row to another, from what {@link Sweep} found. Not named as the other is: an int given for {@code found} would be
     * taken without a word.
     */
    float distanceOfFound(int row, float found) {
        return terms[row] + factor * found;
    }
}
