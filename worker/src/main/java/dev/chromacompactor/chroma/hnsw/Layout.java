package dev.chromacompactor.chroma.hnsw;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * One node in {@code data_level0.bin}, little-endian; node {@code i} begins at {@code i * nodeBytes}.
 *
 * <pre>
 * u16 links in use | u8 flags, bit 0 deleted | u8 0 | u32 links[2 M] | f32 vector[dimension] | u64 label
 * </pre>
 *
 * Link slots beyond those in use hold anything. Vectors are aligned to 4 bytes only. In {@code link_lists.bin} each node has
 * {@code u32 bytes}, 0 on level 0 alone, then for each level from 1 up {@code u32 links in use | u32 links[M]}.
 *
 * @param m links a node may have above level 0; twice as many on it
 */
record Layout(int m, int dimension) {
    /** hnswlib's own limit. */
    static final int MAX_M = 10_000;

    /** Far beyond what Chroma takes; keeps a node's size an int. */
    static final int MAX_DIMENSION = 1 << 24;

    /** More than a level drawn with M = 2 from 53 random bits can be. */
    static final int MAX_LEVEL = 63;

    static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static final int DELETED = 1 << 16;
    static final int COUNT_MASK = 0xffff;

    /** Links a node may have on a level. */
    int links(int level) {
        return level == 0 ? 2 * m : m;
    }

    int vectorOffset() {
        return 4 + 8 * m;
    }

    int labelOffset() {
        return vectorOffset() + 4 * dimension;
    }

    int nodeBytes() {
        return labelOffset() + 8;
    }

    long node(int i) {
        return (long) i * nodeBytes();
    }

    long vector(int i) {
        return node(i) + vectorOffset();
    }

    long label(int i) {
        return node(i) + labelOffset();
    }

    /** Ints of one upper level of one node: the number in use, then the slots. */
    int upperInts() {
        return 1 + m;
    }

    /** hnswlib draws levels with a mean of this. */
    double levelFactor() {
        return 1 / Math.log(m);
    }
}
