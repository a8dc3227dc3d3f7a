package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Space;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the {@link Sketch} of some nodes of a graph, as small as the vectors allow: which depth is enough is not assumed but tried on a
 * sample whose exact neighbours are known, and doubled until it is, in the end to the full dimension.
 */
final class Sketcher {
    /** Up to here vectors are their own sketch. */
    private static final int SHALLOW = 192;

    /** What finds candidates, with room to spare: .99 of the nearest 16 are among 64. Beyond the second it takes a little more. */
    private static final int DEPTH = 160;

    private static final int LARGE = 768;

    /** To rank candidates takes more. */
    private static final int DIRECTIONS = 384;

    /** Products with the sample are columns beside the directions; a whole number of column panels. */
    private static final int PANEL = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Sketcher.class);

    private final Graph graph;
    private final int[] nodes;
    private final int keep;
    private final Workers workers;
    private final ScratchArena arena;
    private final int dimension;
    private final boolean ip;
    private @Nullable Projection projection;

    /**
     * @param nodes of which a sketch is made; its rows are in their order
     * @param keep how many candidates will be kept
     * @param arena where the sketch lives
     */
    Sketcher(Graph graph, int[] nodes, int keep, Workers workers, ScratchArena arena) {
        this.graph = graph;
        this.nodes = nodes;
        this.keep = keep;
        this.workers = workers;
        this.arena = arena;
        this.dimension = graph.layout.dimension();
        this.ip = graph.space == Space.IP;
    }

    /** Where the sketch's columns come from; null if they are not a subspace's. */
    @Nullable
    Projection projection() {
        return projection;
    }

    /** Empty if sums of this width cannot tell these vectors apart: they overflow, or are far nearer to each other than to their mean. */
    Optional<Sketch> make() {
        try (ScratchArena once = arena.beside()) {
            Matrix sample = sample(once, Projection.SAMPLE);
            Matrix known = sample(once, Guard.SAMPLE);
            float[] mean;
            if (dimension > SHALLOW) {
                Projection tried = Projection.of(sample, Math.min(DIRECTIONS, padded(dimension)), workers, arena);
                centre(known, tried.mean());
                Matrix exact = Matrix.allocate(once, nodes.length, known.rows());
                Sketch sketch = project(tried, known, exact);
                var guard = new Guard(sketch, exact, keep);
                for (int depth = dimension > LARGE ? SHALLOW : DEPTH;
                        depth <= sketch.z().columns();
                        depth *= 2) {
                    double recall = guard.recall(depth);
                    if (recall >= Guard.ENOUGH) {
                        projection = tried;
                        return guard.resolves() ? Optional.of(sketch.withDepth(depth)) : Optional.empty();
                    }
                    LOG.atInfo()
                            .addKeyValue("depth", depth)
                            .addKeyValue("recall", recall)
                            .log("vectors need a deeper sketch");
                }
                mean = tried.mean();
            } else {
                mean = Projection.centre(sample);
            }
            Sketch sketch = centred(mean);
            return Guard.of(sketch, keep).resolves() ? Optional.of(sketch) : Optional.empty();
        }
    }

    private static int padded(int columns) {
        return (columns + PANEL - 1) / PANEL * PANEL;
    }

    private Matrix sample(Arena arena, int most) {
        int[] rows = Guard.sample(nodes.length, most);
        Matrix sample = Matrix.allocate(arena, rows.length, dimension);
        for (int s = 0; s < rows.length; s++) {
            MemorySegment.copy(graph.vector(nodes[rows[s]]), 0, sample.cells(), sample.at(s), 4L * dimension);
        }
        return sample;
    }

    /**
     * Projects the vectors.
     *
     * @param known centred vectors with which exact products are taken on the way
     * @param exact gets them
     */
    private Sketch project(Projection onto, Matrix known, Matrix exact) {
        Matrix directions = onto.directions();
        Panels panels = Panels.ofRows(directions, known);
        Matrix z = Matrix.allocate(arena, nodes.length, directions.rows());
        float[] terms = new float[nodes.length];
        Panels.Times[] scratch = new Panels.Times[workers.threads()];
        Arrays.setAll(scratch, _ -> panels.new Times());
        Panels.Rows rows = rows(onto.mean(), terms);
        inChunks((from, to, worker) -> scratch[worker].run(rows, from, to, z, exact));
        return new Sketch(z, terms, factor(), z.columns());
    }

    /** The vectors themselves, less their mean. */
    private Sketch centred(float[] mean) {
        Matrix z = Matrix.allocate(arena, nodes.length, dimension);
        float[] terms = new float[nodes.length];
        Panels.Rows rows = rows(mean, terms);
        float[][] scratch = new float[workers.threads()][dimension];
        inChunks((from, to, worker) -> {
            for (int row = from; row < to; row++) {
                rows.read(row, scratch[worker]);
                z.write(row, 0, scratch[worker], 0, dimension);
            }
        });
        return new Sketch(z, terms, factor(), dimension);
    }

    private float factor() {
        return ip ? 1 : 2;
    }

    /** Reads vectors, centres them, and notes their terms. */
    private Panels.Rows rows(float[] mean, float[] terms) {
        float squares = Kernels.dot(mean, mean, dimension);
        return (row, into) -> {
            MemorySegment.copy(graph.vector(nodes[row]), Layout.FLOAT, 0, into, 0, dimension);
            float alongMean = ip ? Kernels.dot(into, mean, dimension) : 0;
            Kernels.add(-1, mean, into, dimension);
            terms[row] = ip ? (1 + squares) / 2 - alongMean : Kernels.dot(into, into, dimension);
        };
    }

    private static void centre(Matrix matrix, float[] mean) {
        float[] vector = new float[mean.length];
        for (int row = 0; row < matrix.rows(); row++) {
            matrix.read(row, vector, vector.length);
            Kernels.add(-1, mean, vector, vector.length);
            matrix.write(row, 0, vector, 0, vector.length);
        }
    }

    @FunctionalInterface
    private interface Chunk {
        void run(int from, int to, int worker);
    }

    private void inChunks(Chunk chunk) {
        int size = Sweep.rows(dimension);
        workers.each(
                (nodes.length + size - 1) / size,
                (piece, worker) -> chunk.run(piece * size, Math.min((piece + 1) * size, nodes.length), worker));
    }
}
