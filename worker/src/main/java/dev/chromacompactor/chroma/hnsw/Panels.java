package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/**
 * Column panels of a matrix, packed once and shared by all threads, and products with them.
 *
 * @param panels each {@code depth} steps of {@link Kernels#COLUMNS} values
 * @param columns how many there are in all; the last panel may be filled up with zeros
 */
record Panels(float[][] panels, int columns, int depth) {
    private static float[][] allocate(int columns, int depth) {
        return new float[(columns + Kernels.COLUMNS - 1) / Kernels.COLUMNS][depth * Kernels.COLUMNS];
    }

    /** The rows of matrices as columns. */
    static Panels ofRows(Matrix... matrices) {
        int depth = matrices[0].columns();
        int columns = Arrays.stream(matrices).mapToInt(Matrix::rows).sum();
        float[][] panels = allocate(columns, depth);
        float[] vector = new float[depth];
        int column = 0;
        for (Matrix matrix : matrices) {
            for (int row = 0; row < matrix.rows(); row++, column++) {
                matrix.read(row, vector, depth);
                Kernels.pack(
                        vector, depth, panels[column / Kernels.COLUMNS], column % Kernels.COLUMNS, Kernels.COLUMNS);
            }
        }
        return new Panels(panels, columns, depth);
    }

    /** The columns of a matrix. */
    static Panels ofColumns(Matrix matrix) {
        float[][] panels = allocate(matrix.columns(), matrix.rows());
        float[] vector = new float[matrix.columns()];
        for (int row = 0; row < matrix.rows(); row++) {
            matrix.read(row, vector, vector.length);
            for (int p = 0; p < panels.length; p++) {
                int first = p * Kernels.COLUMNS;
                int count = Math.min(Kernels.COLUMNS, vector.length - first);
                System.arraycopy(vector, first, panels[p], row * Kernels.COLUMNS, count);
            }
        }
        return new Panels(panels, matrix.columns(), matrix.rows());
    }

    /** One row after the other, on its way into a product. */
    @FunctionalInterface
    interface Rows {
        void read(int row, float[] into);
    }

    /** The products of a run of rows with all columns; scratch memory for one thread. */
    final class Times {
        private final int mostRows = Sweep.rows(depth);
        private final float[] packed = new float[(mostRows + Kernels.ROWS - 1) / Kernels.ROWS * Kernels.ROWS * depth];
        private final float[] vector = new float[depth];
        private final float[] tile = new float[Kernels.ROWS * Kernels.COLUMNS];

        /**
         * @param to get the products, in the same rows: the first matrix those with the first columns, a whole number of panels, the next
         *     those that follow
         */
        void run(Rows rows, int from, int end, Matrix... to) {
            for (int row = from; row < end; row++) {
                int place = row - from;
                rows.read(row, vector);
                int start = place / Kernels.ROWS * Kernels.ROWS * depth;
                Kernels.pack(vector, depth, packed, start + place % Kernels.ROWS, Kernels.ROWS);
            }
            int p = 0;
            for (Matrix matrix : to) {
                for (int column = 0; column < matrix.columns(); column += Kernels.COLUMNS) {
                    multiply(panels[p++], from, end, matrix, column);
                }
            }
        }

        private void multiply(float[] panel, int from, int end, Matrix to, int column) {
            int count = Math.min(Kernels.COLUMNS, to.columns() - column);
            for (int row = from; row < end; row += Kernels.ROWS) {
                Arrays.fill(tile, 0);
                Kernels.multiply(packed, (row - from) * depth, panel, depth, tile);
                for (int r = 0; r < Math.min(Kernels.ROWS, end - row); r++) {
                    to.write(row + r, column, tile, r * Kernels.COLUMNS, count);
                }
            }
        }
    }

    /** Multiplies all rows of a matrix; {@code to} has as many rows, and {@link #columns} columns. */
    void times(Matrix rows, Matrix to, Workers workers) {
        int chunk = Sweep.rows(depth);
        int pieces = (rows.rows() + chunk - 1) / chunk;
        Times[] scratch = new Times[workers.threads()];
        Arrays.setAll(scratch, _ -> new Times());
        workers.each(pieces, (piece, worker) -> {
            int from = piece * chunk;
            scratch[worker].run(
                    (row, into) -> rows.read(row, into, depth), from, Math.min(from + chunk, rows.rows()), to);
        });
    }
}
