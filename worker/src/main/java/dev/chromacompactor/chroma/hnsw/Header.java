package dev.chromacompactor.chroma.hnsw;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * {@code header.bin}: 100 bytes, little-endian, no padding.
 *
 * <pre>
 *  0 i32 version 1            36 u64 offset of the label      68 u64 maxM0 = 2 M
 *  4 u64 offset of level 0    44 u64 offset of the vector     76 u64 M
 * 12 u64 capacity             52 i32 highest level            84 f64 1 / ln M
 * 20 u64 nodes, deleted too   56 u32 entry point              92 u64 ef while building
 * 28 u64 bytes of a node      60 u64 maxM = M
 * </pre>
 *
 * Neither dimension nor space has a field: the dimension follows from the offsets, the space is the collection's.
 *
 * @param capacity nodes a reader makes room for, at least {@code nodes}
 * @param nodes live and deleted ones
 * @param maxLevel −1 if there are no nodes
 * @param entryPoint the node where every search starts; meaningless if there are no nodes
 */
record Header(Layout layout, int capacity, int nodes, int maxLevel, int entryPoint, int efConstruction) {
    static final String FILE = "header.bin";
    static final int BYTES = 100;

    static Header read(Path folder) {
        Path file = folder.resolve(FILE);
        ByteBuffer in = ByteBuffer.wrap(IndexFiles.bytes(file)).order(LITTLE_ENDIAN);
        if (in.limit() != BYTES) {
            throw IndexFiles.torn(file, "has " + in.limit() + " bytes, not " + BYTES);
        }
        require(file, "persistence version at 0", in.getInt(0), 1);
        require(file, "offset of level 0 at 4", in.getLong(4), 0);
        int m = count(file, "M at 76", in.getLong(76), 1, Layout.MAX_M);
        require(file, "maxM at 60", in.getLong(60), m);
        require(file, "maxM0 at 68", in.getLong(68), 2L * m);
        require(file, "offset of the vector at 44", in.getLong(44), 4 + 8L * m);
        long labelOffset = in.getLong(36);
        long vectorBytes = labelOffset - (4 + 8L * m);
        if (vectorBytes < 4 || vectorBytes % 4 != 0 || vectorBytes / 4 > Layout.MAX_DIMENSION) {
            throw IndexFiles.torn(
                    file, "offset of the label at 36 is " + labelOffset + ", which leaves no whole vector");
        }
        Layout layout = new Layout(m, (int) (vectorBytes / 4));
        require(file, "bytes of a node at 28", in.getLong(28), layout.nodeBytes());
        int nodes = count(file, "nodes at 20", in.getLong(20), 0, Integer.MAX_VALUE - 8);
        int capacity = count(file, "capacity at 12", in.getLong(12), nodes, Integer.MAX_VALUE);
        double mult = in.getDouble(84);
        if (!(Math.abs(mult - layout.levelFactor()) < 1e-6)) {
            throw IndexFiles.torn(file, "level factor at 84 is " + mult + ", not 1 / ln " + m);
        }
        int ef = count(file, "ef at 92", in.getLong(92), 1, Integer.MAX_VALUE);
        int maxLevel = in.getInt(52);
        int entryPoint = in.getInt(56);
        if (nodes > 0 && (maxLevel < 0 || maxLevel > Layout.MAX_LEVEL)) {
            throw IndexFiles.torn(file, "highest level at 52 is " + maxLevel);
        }
        if (nodes > 0 && (entryPoint < 0 || entryPoint >= nodes)) {
            throw IndexFiles.torn(
                    file, "entry point at 56 is " + Integer.toUnsignedString(entryPoint) + " of " + nodes);
        }
        return new Header(layout, capacity, nodes, maxLevel, entryPoint, ef);
    }

    void write(Path folder) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(BYTES).order(LITTLE_ENDIAN);
        out.putInt(1).putLong(0).putLong(capacity).putLong(nodes);
        out.putLong(layout.nodeBytes()).putLong(layout.labelOffset()).putLong(layout.vectorOffset());
        out.putInt(maxLevel).putInt(entryPoint);
        out.putLong(layout.m()).putLong(2L * layout.m()).putLong(layout.m());
        out.putDouble(layout.levelFactor()).putLong(efConstruction);
        Files.write(folder.resolve(FILE), out.array());
    }

    private static void require(Path file, String field, long is, long must) {
        if (is != must) {
            throw IndexFiles.torn(file, field + " is " + is + ", not " + must);
        }
    }

    private static int count(Path file, String field, long is, int least, int most) {
        if (is < least || is > most) {
            throw IndexFiles.torn(
                    file, field + " is " + Long.toUnsignedString(is) + ", not within " + least + " … " + most);
        }
        return (int) is;
    }
}
