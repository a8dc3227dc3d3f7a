package dev.chromacompactor.chroma.hnsw;

import static java.nio.channels.FileChannel.MapMode.READ_WRITE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.chromacompactor.chroma.Space;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What lies beside an index so that the next merge can link new nodes without reading the old vectors: the subspace, where each node lies
 * in it, in which leaf, and a hash of its vector. Two files in the index's folder, little-endian, which Chroma leaves alone:
 *
 * <pre>
 * compactor.sidecar
 *   i32 × 8   "CSC1", format 2, dimension d, columns c, nodes n, nodes when it was made, leaves l, CRC-32C of all that follows
 *   f32 × d   mean
 *   f32 × c d directions, one after the other
 *   f32 × l c leaders, in the subspace
 *   f32 × l   their terms (see {@link Sketch})
 *   f32 × n   terms of the nodes
 *   i32 × n   leaf of each node
 *   i64 × n   hash of each stored vector (see {@link Twins})
 * compactor.sketch
 *   f32 × n c each node in the subspace
 * </pre>
 *
 * <p>It is a hint: one that is missing, torn, of another format, or that does not fit the vectors of some sampled nodes is made anew.
 */
final class Sidecar {
    static final String TABLE = "compactor.sidecar";
    static final String SKETCH = "compactor.sketch";
    private static final int MAGIC = 'C' | 'S' << 8 | 'C' << 16 | '1' << 24;
    private static final int FORMAT = 2;
    private static final int HEADER_INTS = 8;

    /** Nodes looked at before a sidecar is believed. */
    private static final int SPOT_CHECKS = 16;

    private static final float ROUNDING = 1e-3f;

    final float[] mean;
    final Matrix directions;
    final Matrix z;
    final float[] terms;
    final int[] leafOf;
    final long[] hashes;
    final Matrix leaders;
    final float[] leaderTerms;
    final float factor;
    final int madeAt;

    private Sidecar(
            Projection projection,
            Matrix z,
            float[] terms,
            int[] leafOf,
            long[] hashes,
            Matrix leaders,
            float[] leaderTerms,
            float factor,
            int madeAt) {
        this.mean = projection.mean();
        this.directions = projection.directions();
        this.z = z;
        this.terms = terms;
        this.leafOf = leafOf;
        this.hashes = hashes;
        this.leaders = leaders;
        this.leaderTerms = leaderTerms;
        this.factor = factor;
        this.madeAt = madeAt;
    }

    Sketch sketch() {
        return new Sketch(z, terms, factor, z.columns());
    }

    Sketch leaderSketch() {
        return new Sketch(leaders, leaderTerms, factor, z.columns());
    }

    int leaves() {
        return leaders.rows();
    }

    static float factor(Graph graph) {
        return graph.space == Space.IP ? 1 : 2;
    }

    /** An empty one for a graph's nodes, to be filled by {@link SidecarMaker}. */
    static Sidecar blank(
            Path folder, Projection projection, int capacity, int leaves, int madeAt, float factor, Arena arena)
            throws IOException {
        int columns = projection.directions().rows();
        return new Sidecar(
                projection,
                map(folder.resolve(SKETCH), capacity, columns, arena),
                new float[capacity],
                new int[capacity],
                new long[capacity],
                Matrix.allocate(arena, leaves, columns),
                new float[leaves],
                factor,
                madeAt);
    }

    /**
     * Takes over the sidecar of a base, with room for more nodes.
     *
     * @param from the base's folder, whose files are used up
     * @param graph with the base's nodes
     * @return null if there is none that fits
     */
    static @Nullable Sidecar take(Path from, Path folder, Graph graph, int capacity, Arena arena) throws IOException {
        Path table = from.resolve(TABLE);
        Path sketch = from.resolve(SKETCH);
        if (!Files.isRegularFile(table) || !Files.isRegularFile(sketch)) {
            return null;
        }
        try (Arena confined = Arena.ofConfined()) {
            return take(IndexFiles.map(table, confined), sketch, folder, graph, capacity, arena);
        }
    }

    private static @Nullable Sidecar take(
            ByteBuffer in, Path sketch, Path folder, Graph graph, int capacity, Arena arena) throws IOException {
        int d = graph.layout.dimension();
        int n = graph.nodes();
        if (in.remaining() < 4 * HEADER_INTS || in.getInt() != MAGIC || in.getInt() != FORMAT || in.getInt() != d) {
            return null;
        }
        int c = in.getInt();
        int nodes = in.getInt();
        int madeAt = in.getInt();
        int l = in.getInt();
        int crc = in.getInt();
        if (nodes != n
                || c < 1
                || c > d
                || l < 1
                || l > n
                || in.remaining() != 4L * (d + (long) c * d + (long) l * c + l + 2L * n) + 8L * n
                || Files.size(sketch) != 4L * n * c
                || crc != crc(in.duplicate())) {
            return null;
        }
        float[] mean = floats(in, d);
        Matrix directions = matrix(in, c, d, arena);
        Matrix leaders = matrix(in, l, c, arena);
        float[] leaderTerms = floats(in, l);
        float[] terms = new float[capacity];
        in.asFloatBuffer().get(terms, 0, n);
        in.position(in.position() + 4 * n);
        int[] leafOf = new int[capacity];
        in.asIntBuffer().get(leafOf, 0, n);
        in.position(in.position() + 4 * n);
        long[] hashes = new long[capacity];
        in.asLongBuffer().get(hashes, 0, n);
        for (int node = 0; node < n; node++) {
            if (leafOf[node] < 0 || leafOf[node] >= l) {
                return null;
            }
        }
        Path target = folder.resolve(SKETCH);
        Files.move(sketch, target);
        var sidecar = new Sidecar(
                new Projection(mean, directions),
                map(target, capacity, c, arena),
                terms,
                leafOf,
                hashes,
                leaders,
                leaderTerms,
                factor(graph),
                madeAt);
        return sidecar.fits(graph) ? sidecar : null;
    }

    /** Whether some nodes are where the sidecar says; else it belongs to another graph. */
    private boolean fits(Graph graph) {
        int n = graph.nodes();
        float[] vector = new float[mean.length];
        float[] direction = new float[mean.length];
        for (int k = 0; k < Math.min(SPOT_CHECKS, n); k++) {
            int node = (int) ((long) k * n / Math.min(SPOT_CHECKS, n));
            if (Twins.hash(graph.vector(node)) != hashes[node]) {
                return false;
            }
            MemorySegment.copy(graph.vector(node), Layout.FLOAT, 0, vector, 0, vector.length);
            Kernels.add(-1, mean, vector, vector.length);
            int column = k * 7 % z.columns();
            directions.read(column, direction, direction.length);
            float expected = Kernels.dot(vector, direction, vector.length);
            float size = (float) Math.sqrt(Kernels.dot(vector, vector, vector.length));
            if (!(Math.abs(z.get(node, column) - expected) <= ROUNDING * (size + Float.MIN_NORMAL))) {
                return false;
            }
        }
        return true;
    }

    /** Writes what belongs to the first {@code nodes} nodes; the sketch is in its file already. */
    void write(Path folder, int nodes) throws IOException {
        int d = mean.length;
        int c = z.columns();
        int l = leaves();
        long size = 4L * (HEADER_INTS + d + (long) c * d + (long) l * c + l + 2L * nodes) + 8L * nodes;
        try (Arena confined = Arena.ofConfined()) {
            ByteBuffer out = IndexFiles.create(folder.resolve(TABLE), size, confined);
            out.position(4 * HEADER_INTS);
            put(out, mean, d);
            put(out, directions);
            put(out, leaders);
            put(out, leaderTerms, l);
            put(out, terms, nodes);
            out.asIntBuffer().put(leafOf, 0, nodes);
            out.position(out.position() + 4 * nodes);
            out.asLongBuffer().put(hashes, 0, nodes);
            out.rewind();
            int crc = crc(out.slice(4 * HEADER_INTS, out.limit() - 4 * HEADER_INTS));
            for (int value : new int[] {MAGIC, FORMAT, d, c, nodes, madeAt, l, crc}) {
                out.putInt(value);
            }
        }
    }

    private static int crc(ByteBuffer bytes) {
        var crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** Every block is written before it is mapped, as in {@link Graph}: a full disk is then an exception. */
    private static Matrix map(Path file, int rows, int columns, Arena arena) throws IOException {
        long bytes = 4L * rows * columns;
        try (var out = FileChannel.open(file, CREATE, READ, WRITE)) {
            IndexFiles.fill(out, out.size(), bytes);
            return new Matrix(out.map(READ_WRITE, 0, bytes, arena), rows, columns);
        }
    }

    private static float[] floats(ByteBuffer in, int count) {
        float[] values = new float[count];
        in.asFloatBuffer().get(values);
        in.position(in.position() + 4 * count);
        return values;
    }

    private static Matrix matrix(ByteBuffer in, int rows, int columns, Arena arena) {
        Matrix matrix = Matrix.allocate(arena, rows, columns);
        for (int row = 0; row < rows; row++) {
            matrix.write(row, 0, floats(in, columns), 0, columns);
        }
        return matrix;
    }

    private static void put(ByteBuffer out, Matrix matrix) {
        float[] row = new float[matrix.columns()];
        for (int r = 0; r < matrix.rows(); r++) {
            matrix.read(r, row, row.length);
            put(out, row, row.length);
        }
    }

    private static void put(ByteBuffer out, float[] values, int count) {
        out.asFloatBuffer().put(values, 0, count);
        out.position(out.position() + 4 * count);
    }
}
