package dev.chromacompactor.chroma.hnsw;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * {@code link_lists.bin}: the links above level 0 of every node, in order. In memory a node of level {@code L} has
 * {@code L * (1 + M)} ints, per level the number in use and then the slots; a node of level 0 has null.
 */
final class UpperLinks {
    private UpperLinks() {}

    static int[] @Nullable [] read(Path folder, Header header) {
        Path file = folder.resolve(IndexFiles.LINKS);
        try (Arena arena = Arena.ofConfined()) {
            return read(file, IndexFiles.map(file, arena), header);
        }
    }

    private static int[] @Nullable [] read(Path file, ByteBuffer in, Header header) {
        int levelBytes = 4 * header.layout().upperInts();
        int[] @Nullable [] upper = new int[header.nodes()] @Nullable [];
        for (int node = 0; node < upper.length; node++) {
            int at = in.position();
            if (in.remaining() < 4) {
                throw IndexFiles.torn(file, "ends at byte " + at + ", before node " + node + " of " + upper.length);
            }
            long bytes = in.getInt() & 0xffffffffL;
            if (bytes % levelBytes != 0 || bytes / levelBytes > Layout.MAX_LEVEL) {
                throw IndexFiles.torn(
                        file,
                        "node " + node + " has " + bytes + " bytes of links at byte " + at + ", no small multiple of "
                                + levelBytes);
            }
            if (bytes > in.remaining()) {
                throw IndexFiles.torn(file, "ends within the links of node " + node + " at byte " + at);
            }
            if (bytes > 0) {
                int[] links = new int[(int) bytes / 4];
                in.asIntBuffer().get(links);
                in.position(in.position() + (int) bytes);
                upper[node] = links;
            }
        }
        if (in.hasRemaining()) {
            throw IndexFiles.torn(
                    file, "has " + in.remaining() + " bytes after the last of " + upper.length + " nodes");
        }
        return upper;
    }

    static void write(Path folder, int[] @Nullable [] upper) throws IOException {
        long bytes = 0;
        for (int[] links : upper) {
            bytes += links == null ? 4 : 4 + 4L * links.length;
        }
        try (Arena arena = Arena.ofConfined()) {
            ByteBuffer out = IndexFiles.create(folder.resolve(IndexFiles.LINKS), bytes, arena);
            for (int[] links : upper) {
                out.putInt(links == null ? 0 : 4 * links.length);
                if (links != null) {
                    out.asIntBuffer().put(links);
                    out.position(out.position() + 4 * links.length);
                }
            }
        }
    }
}
