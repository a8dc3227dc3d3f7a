package dev.chromacompactor.chroma.hnsw;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.channels.FileChannel.MapMode.READ_ONLY;
import static java.nio.file.StandardOpenOption.READ;

import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractSet;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The vector index of one collection as Chroma keeps it in the folder of its VECTOR segment, read-only:
 * {@code header.bin}, {@code data_level0.bin}, {@code length.bin}, {@code link_lists.bin}, {@code index_metadata.pickle}.
 *
 * <p>The vectors stay in the file, mapped until {@link #close()}. Any thread may read. Damage is thrown as {@code INPUT}:
 * {@code index-missing-file}, {@code index-pickle-invalid}, {@code index-torn}, {@code vector-not-finite}.
 */
public final class HnswIndex implements AutoCloseable {
    private final Path folder;
    private final Space space;
    private final Header header;
    private final IndexMetadata metadata;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment data;
    private final float[] lengths;
    private final int[] @Nullable [] upper;
    /** By place of the id. */
    private final int[] nodes;

    private HnswIndex(Path folder, Space space) throws IOException {
        this.folder = folder;
        this.space = space;
        boolean opened = false;
        try {
            this.metadata = IndexMetadata.read(folder, arena);
            this.header = Header.read(folder);
            this.lengths = readLengths();
            this.upper = UpperLinks.read(folder, header);
            this.data = map();
            this.nodes = nodesOfIds();
            opened = true;
        } finally {
            if (!opened) {
                arena.close();
            }
        }
    }

    /** Whether this folder holds an index at all: Chroma's own test is the pickle, other files may be empty preallocations. */
    public static boolean exists(Path folder) {
        return Files.isRegularFile(folder.resolve(IndexFiles.METADATA));
    }

    /** Opens the index. Finds what would keep an id or a vector from being read; {@link #check()} looks at all the rest. */
    public static HnswIndex open(Path folder, Space space) {
        try {
            return new HnswIndex(folder, space);
        } catch (IOException e) {
            throw IndexFiles.unreadable(folder, e);
        }
    }

    public Space space() {
        return space;
    }

    public int dimension() {
        return header.layout().dimension();
    }

    /** Links a node may have above level 0, twice as many on it. */
    public int m() {
        return header.layout().m();
    }

    public int efConstruction() {
        return header.efConstruction();
    }

    /** Live ids. */
    public int size() {
        return nodes.length;
    }

    /** Nodes still in the graph whose id was deleted or given a new vector. */
    public int deleted() {
        return header.nodes() - nodes.length;
    }

    /** The live ids. */
    public Set<String> ids() {
        return new AbstractSet<>() {
            @Override
            public Iterator<String> iterator() {
                return IntStream.range(0, nodes.length).mapToObj(metadata::id).iterator();
            }

            @Override
            public boolean contains(Object id) {
                return id instanceof String text && HnswIndex.this.contains(text);
            }

            @Override
            public int size() {
                return nodes.length;
            }
        };
    }

    public boolean contains(String id) {
        return metadata.place(id) >= 0;
    }

    /** The vector as its producer gave it: of a cosine index the stored one, which has length 1, times its length. */
    public float[] vector(String id) {
        int node = node(id);
        float[] vector = new float[dimension()];
        MemorySegment.copy(data, Layout.FLOAT, header.layout().vector(node), vector, 0, vector.length);
        if (space == Space.COSINE) {
            for (int i = 0; i < vector.length; i++) {
                vector[i] *= lengths[node];
            }
        }
        return vector;
    }

    /** The same vector as float32, little-endian. */
    public byte[] bytes(String id) {
        int node = node(id);
        byte[] bytes = new byte[4 * dimension()];
        MemorySegment.copy(data, JAVA_BYTE, header.layout().vector(node), bytes, 0, bytes.length);
        if (space == Space.COSINE) {
            FloatBuffer vector =
                    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
            for (int i = 0; i < vector.limit(); i++) {
                vector.put(i, vector.get(i) * lengths[node]);
            }
        }
        return bytes;
    }

    /** The node of an id. */
    int node(String id) {
        int place = metadata.place(id);
        if (place < 0) {
            throw new IllegalArgumentException("not in " + folder + ": " + id);
        }
        return nodes[place];
    }

    /** The node of the id at a place of {@link #metadata()}. */
    int node(int place) {
        return nodes[place];
    }

    /** What to call a node. */
    String name(int node) {
        int place = metadata.place(label(node));
        return place < 0 ? "node " + node : "node " + node + " (id " + metadata.id(place) + ")";
    }

    /**
     * Checks the whole structure: every link within range, to another node that exists on that level, none twice; levels and entry
     * point; every vector finite. Chroma follows links unchecked, a bad one ends its process. What Chroma itself leaves behind is
     * no error: stale link slots, nodes nobody links to, files longer or shorter than the capacity.
     */
    public void check() {
        new GraphCheck(this).run(0);
    }

    /**
     * Checks one of our own: the same, and that a search can reach every live node and some node links to it.
     *
     * @param from the first node whose vector is checked; those before it are known to be finite. Links are checked of all
     */
    public void prove(int from) {
        var check = new GraphCheck(this);
        check.run(from);
        check.requireReachable();
    }

    /** Whether a search can reach every live node, and some node links to it; hnswlib does not see to that. Links must be sound. */
    public boolean isWhole() {
        return new GraphCheck(this).isReachable();
    }

    /** Live or deleted. */
    public int nodeCount() {
        return header.nodes();
    }

    @Override
    public void close() {
        arena.close();
    }

    Path folder() {
        return folder;
    }

    Header header() {
        return header;
    }

    /** Which live id has which label. */
    IndexMetadata metadata() {
        return metadata;
    }

    private long label(int node) {
        return data.get(Layout.LONG, header.layout().label(node));
    }

    MemorySegment data() {
        return data;
    }

    float[] lengths() {
        return lengths;
    }

    /** Links above level 0, by node. */
    int[] @Nullable [] upper() {
        return upper;
    }

    private float[] readLengths() {
        Path file = folder.resolve(IndexFiles.LENGTHS);
        try (Arena confined = Arena.ofConfined()) {
            ByteBuffer in = IndexFiles.map(file, confined);
            if (in.remaining() < 4L * header.nodes()) {
                throw IndexFiles.torn(
                        file, "has " + in.remaining() + " bytes, too few for " + header.nodes() + " nodes");
            }
            float[] read = new float[header.nodes()];
            in.asFloatBuffer().get(read);
            return read;
        }
    }

    private MemorySegment map() throws IOException {
        Path file = folder.resolve(IndexFiles.DATA);
        long need = header.layout().node(header.nodes());
        try (var channel = FileChannel.open(file, READ)) {
            if (channel.size() < need) {
                throw IndexFiles.torn(
                        file,
                        "has " + channel.size() + " bytes, too few for " + header.nodes() + " nodes of "
                                + header.layout().nodeBytes());
            }
            return channel.map(READ_ONLY, 0, need, arena);
        } catch (IOException e) {
            throw IndexFiles.unreadable(file, e);
        }
    }

    /** Goes over the labels in the data: every live node must belong to one id, every id to one live node. */
    private int[] nodesOfIds() {
        Path file = folder.resolve(IndexFiles.DATA);
        Layout layout = header.layout();
        int[] found = new int[metadata.size()];
        Arrays.fill(found, -1);
        for (int i = 0; i < header.nodes(); i++) {
            long label = label(i);
            boolean deleted = (data.get(Layout.INT, layout.node(i)) & Layout.DELETED) != 0;
            int place = metadata.place(label);
            if (deleted && place >= 0) {
                throw at(
                        file,
                        layout.node(i),
                        "node " + i + " is deleted, yet id " + metadata.id(place) + " has its label " + label);
            }
            if (!deleted && place < 0) {
                throw at(file, layout.label(i), "node " + i + " has label " + label + ", which belongs to no id");
            }
            if (place >= 0) {
                if (found[place] >= 0) {
                    throw at(
                            file,
                            layout.label(i),
                            "node " + i + " is the second with the label of id " + metadata.id(place));
                }
                found[place] = i;
            }
        }
        for (int place = 0; place < found.length; place++) {
            if (found[place] < 0) {
                throw IndexFiles.torn(
                        file,
                        "id " + metadata.id(place) + " has label " + metadata.label(place) + ", which no node has");
            }
        }
        return found;
    }

    private static FailureException at(Path file, long offset, String what) {
        return IndexFiles.torn(file, what + " (byte " + offset + ")");
    }
}
