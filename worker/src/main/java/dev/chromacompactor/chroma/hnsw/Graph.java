package dev.chromacompactor.chroma.hnsw;

import static java.nio.channels.FileChannel.MapMode.READ_WRITE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.chromacompactor.chroma.Space;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A graph while it is built: {@code data_level0.bin} of the new folder itself, mapped, so nothing but links above level 0 and lengths is
 * on the heap. Threads may write vectors, lengths and links of different nodes at once; all else is for one.
 */
final class Graph implements AutoCloseable {
    final Layout layout;
    final Space space;
    final float[] lengths;
    private final int[] @Nullable [] upper;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment data;
    private final int[] scratch;
    private int nodes;
    private int maxLevel = -1;
    private int entryPoint = -1;

    /**
     * @param capacity nodes it will have in the end
     * @param base whose nodes and links are taken over, and whose file becomes this one's; or null
     */
    Graph(Path folder, Layout layout, Space space, int capacity, @Nullable HnswIndex base) throws IOException {
        this.layout = layout;
        this.space = space;
        this.lengths = new float[capacity];
        this.scratch = new int[layout.links(0)];
        this.upper = new int[capacity] @Nullable [];
        boolean mapped = false;
        try {
            this.data = map(folder.resolve(IndexFiles.DATA), layout.node(capacity), base);
            mapped = true;
        } finally {
            if (!mapped) {
                arena.close();
            }
        }
        if (base != null) {
            nodes = base.header().nodes();
            maxLevel = base.header().maxLevel();
            entryPoint = base.header().entryPoint();
            System.arraycopy(base.lengths(), 0, lengths, 0, nodes);
            System.arraycopy(base.upper(), 0, upper, 0, nodes);
        }
    }

    private MemorySegment map(Path file, long bytes, @Nullable HnswIndex base) throws IOException {
        if (base != null) {
            Path from = base.folder().resolve(IndexFiles.DATA);
            Files.deleteIfExists(file);
            Files.move(from, file);
        }
        try (var out = FileChannel.open(file, CREATE, READ, WRITE)) {
            // Chroma's own file may have room for more nodes than it has.
            long at = base == null ? 0 : layout.node(base.header().nodes());
            out.truncate(at);
            IndexFiles.fill(out, at, bytes);
            return out.map(READ_WRITE, 0, bytes, arena);
        }
    }

    int nodes() {
        return nodes;
    }

    int maxLevel() {
        return maxLevel;
    }

    int entryPoint() {
        return entryPoint;
    }

    void enterAt(int node) {
        entryPoint = node;
        maxLevel = level(node);
    }

    /** A new node on level 0, without links; its vector is written by the caller at {@link #vector(int)}. */
    int append(int label) {
        int node = nodes++;
        data.set(Layout.LONG, layout.label(node), label);
        return node;
    }

    /** Puts a new node on a higher level. */
    void raise(int node, int level) {
        upper[node] = level == 0 ? null : new int[level * layout.upperInts()];
    }

    /** The bytes of a node's vector as stored: normalised if the space is cosine. */
    MemorySegment vector(int node) {
        return data.asSlice(layout.vector(node), 4L * layout.dimension());
    }

    boolean deleted(int node) {
        return (data.get(Layout.INT, layout.node(node)) & Layout.DELETED) != 0;
    }

    void delete(int node) {
        long at = layout.node(node);
        data.set(Layout.INT, at, data.get(Layout.INT, at) | Layout.DELETED);
    }

    int level(int node) {
        int[] links = upper[node];
        return links == null ? 0 : links.length / layout.upperInts();
    }

    int links(int node, int level) {
        if (level == 0) {
            return data.get(Layout.INT, layout.node(node)) & Layout.COUNT_MASK;
        }
        return upperLinks(node)[(level - 1) * layout.upperInts()] & Layout.COUNT_MASK;
    }

    int link(int node, int level, int k) {
        if (level == 0) {
            return data.get(Layout.INT, layout.node(node) + 4 + 4L * k);
        }
        return upperLinks(node)[(level - 1) * layout.upperInts() + 1 + k];
    }

    /** A copy of the links of a node. */
    int[] linksOf(int node, int level) {
        int[] links = new int[links(node, level)];
        if (level == 0) {
            links(node, links);
        } else {
            System.arraycopy(upperLinks(node), (level - 1) * layout.upperInts() + 1, links, 0, links.length);
        }
        return links;
    }

    /** Copies the links of a node on level 0, of which there are {@code layout.links(0)} at most; returns how many it has. */
    int links(int node, int[] into) {
        int count = links(node, 0);
        MemorySegment.copy(data, Layout.INT, layout.node(node) + 4, into, 0, count);
        return count;
    }

    void setLink(int node, int level, int k, int neighbour) {
        if (level == 0) {
            data.set(Layout.INT, layout.node(node) + 4 + 4L * k, neighbour);
        } else {
            upperLinks(node)[(level - 1) * layout.upperInts() + 1 + k] = neighbour;
        }
    }

    void setLinks(int node, int level, int count) {
        if (level == 0) {
            long at = layout.node(node);
            data.set(Layout.INT, at, (data.get(Layout.INT, at) & ~Layout.COUNT_MASK) | count);
        } else {
            upperLinks(node)[(level - 1) * layout.upperInts()] = count;
        }
    }

    /** Gives a node all its links on a level, the first {@code count} of these. */
    void setLinks(int node, int level, int[] links, int count) {
        if (level == 0) {
            MemorySegment.copy(links, 0, data, Layout.INT, layout.node(node) + 4, count);
        } else {
            System.arraycopy(links, 0, upperLinks(node), (level - 1) * layout.upperInts() + 1, count);
        }
        setLinks(node, level, count);
    }

    void addLink(int node, int level, int neighbour) {
        int count = links(node, level);
        setLink(node, level, count, neighbour);
        setLinks(node, level, count + 1);
    }

    /** Whether a node has a link to another one on level 0; for one thread. */
    boolean hasLink(int node, int neighbour) {
        int count = links(node, scratch);
        for (int k = 0; k < count; k++) {
            if (scratch[k] == neighbour) {
                return true;
            }
        }
        return false;
    }

    /** Never NaN: what overflows is infinitely far. */
    float distance(int a, int b) {
        float distance = space == Space.L2
                ? Distance.squaredL2(data, layout.vector(a), layout.vector(b), layout.dimension())
                : 1 - Distance.dot(data, layout.vector(a), layout.vector(b), layout.dimension());
        return Float.isNaN(distance) ? Float.POSITIVE_INFINITY : distance;
    }

    /** Writes the other files of the folder, except the pickle. */
    void write(Path folder, int efConstruction) throws IOException {
        UpperLinks.write(folder, upper);
        try (Arena confined = Arena.ofConfined()) {
            IndexFiles.create(folder.resolve(IndexFiles.LENGTHS), 4L * nodes, confined)
                    .asFloatBuffer()
                    .put(lengths, 0, nodes);
        }
        new Header(layout, capacity(nodes), nodes, maxLevel, entryPoint, efConstruction).write(folder);
    }

    /** As Chroma's own writer since 1.0: room for 100, then the next power of two. */
    private static int capacity(int nodes) {
        long power = Long.highestOneBit(2L * nodes - 1);
        return (int) Math.min(Integer.MAX_VALUE, Math.max(100, power));
    }

    private int[] upperLinks(int node) {
        int[] links = upper[node];
        if (links == null) {
            throw new IllegalStateException("node " + node + " has no links above level 0");
        }
        return links;
    }

    @Override
    public void close() {
        arena.close();
    }
}
