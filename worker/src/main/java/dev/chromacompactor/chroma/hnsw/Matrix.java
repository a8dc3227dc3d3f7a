package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Rows of floats in memory outside the heap, one after the other, little-endian as everything here.
 *
 * @param cells at least {@code 4 * rows * columns} bytes
 */
record Matrix(MemorySegment cells, int rows, int columns) {
    private static final int CACHE_LINE = 64;

    Matrix {
        if (cells.byteSize() < 4L * rows * columns) {
            throw new IllegalArgumentException(cells.byteSize() + " bytes for " + rows + " × " + columns);
        }
    }

    /** All zeros. */
    static Matrix allocate(Arena arena, int rows, int columns) {
        return new Matrix(arena.allocate(4L * rows * columns, CACHE_LINE), rows, columns);
    }

    /** The first byte of a row. */
    long at(int row) {
        return 4L * row * columns;
    }

    /** Copies the first {@code count} floats of a row. */
    void read(int row, float[] into, int count) {
        read(row, into, 0, count);
    }

    void read(int row, float[] into, int start, int count) {
        MemorySegment.copy(cells, Layout.FLOAT, at(row), into, start, count);
    }

    /** Writes {@code count} floats into a row, from {@code column} on. */
    void write(int row, int column, float[] from, int start, int count) {
        MemorySegment.copy(from, start, cells, Layout.FLOAT, at(row) + 4L * column, count);
    }

    float get(int row, int column) {
        return cells.get(Layout.FLOAT, at(row) + 4L * column);
    }
}
