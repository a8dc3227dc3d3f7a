package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;

/**
 * A subspace that holds most of what tells the vectors apart: a mean, and orthonormal directions. Random directions are drawn towards the
 * strong ones by one step of power iteration over a sample, {@code G ← Sᵀ S G} (Halko, Martinsson and Tropp, arXiv 0909.4061), and made
 * orthonormal in order. No eigenvectors are needed: distances only ask for the space.
 *
 * @param mean of the sample
 * @param directions one a row; zeros where the sample had no more to tell
 */
record Projection(float[] mean, Matrix directions) {
    /** Vectors a projection is made from. */
    static final int SAMPLE = 1024;

    private static final long SEED = 0x5eed;

    /** A direction of which less than this is left, once the earlier ones are taken off, is rounding. */
    private static final float LEAST_LEFT = 1e-4f;

    /**
     * @param sample vectors, one a row; centred in place
     * @param count how many directions
     */
    static Projection of(Matrix sample, int count, Workers workers, Arena arena) {
        float[] mean = centre(sample);
        int dimension = sample.columns();
        Matrix directions = Matrix.allocate(arena, count, dimension);
        Matrix met = Matrix.allocate(arena, count, sample.rows());
        drawSigns(directions);
        Panels.ofRows(sample).times(directions, met, workers);
        Panels.ofColumns(sample).times(met, directions, workers);
        orthonormalise(directions);
        return new Projection(mean, directions);
    }

    /** Takes the mean off all rows and returns it. */
    static float[] centre(Matrix sample) {
        int dimension = sample.columns();
        float[] mean = new float[dimension];
        float[] vector = new float[dimension];
        for (int row = 0; row < sample.rows(); row++) {
            sample.read(row, vector, dimension);
            Kernels.add(1f / sample.rows(), vector, mean, dimension);
        }
        for (int row = 0; row < sample.rows(); row++) {
            sample.read(row, vector, dimension);
            Kernels.add(-1, mean, vector, dimension);
            sample.write(row, 0, vector, 0, dimension);
        }
        return mean;
    }

    private static void drawSigns(Matrix directions) {
        var random = new SplittableRandom(SEED);
        float[] signs = new float[directions.columns()];
        for (int row = 0; row < directions.rows(); row++) {
            long bits = 0;
            for (int k = 0; k < signs.length; k++) {
                bits = k % Long.SIZE == 0 ? random.nextLong() : bits >>> 1;
                signs[k] = (bits & 1) == 0 ? 1 : -1;
            }
            directions.write(row, 0, signs, 0, signs.length);
        }
    }

    /** Modified Gram-Schmidt. */
    private static void orthonormalise(Matrix directions) {
        int dimension = directions.columns();
        float[][] done = new float[directions.rows()][dimension];
        for (int row = 0; row < done.length; row++) {
            float[] vector = done[row];
            directions.read(row, vector, dimension);
            float before = Kernels.dot(vector, vector, dimension);
            for (int earlier = 0; earlier < row; earlier++) {
                Kernels.add(-Kernels.dot(vector, done[earlier], dimension), done[earlier], vector, dimension);
            }
            float left = Kernels.dot(vector, vector, dimension);
            boolean rounding = !(left > before * LEAST_LEFT * LEAST_LEFT);
            float scale = rounding ? 0 : (float) (1 / Math.sqrt(left));
            for (int k = 0; k < dimension; k++) {
                vector[k] *= scale;
            }
            directions.write(row, 0, vector, 0, dimension);
        }
    }
}
