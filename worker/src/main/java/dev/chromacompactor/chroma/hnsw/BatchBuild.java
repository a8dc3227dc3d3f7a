package dev.chromacompactor.chroma.hnsw;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Links all nodes of a new graph at once: candidates come from dense matrix products in a subspace instead of searches (the idea of PiPNN,
 * arXiv 2602.21247).
 *
 * <p>All of it goes by <i>rank</i>: nodes in the order of their levels, highest first. So rank 0 is the entry point, the nodes of any
 * level are the first so many, and a node's candidates are those before it: what insertion in this order would have had to choose
 * from, early long links included.
 *
 * <p>While this runs a node takes, outside the heap, 4 bytes for each direction of its sketch (512 at most, and beside these as many as
 * its vector has values where fewer will not do), 384 for the guard's products with its sample and, with M = 16, 160 for its list; and
 * about 200 on the heap. All of it is released when the caller closes the arena, or before; what is much lies in files, see {@link ScratchArena}.
 */
final class BatchBuild {
    /** See {@link Diversity}. */
    static final float SLACK = 0.06f;

    private static final int UPPER = 24;

    private final Graph graph;
    private final Fresh.Tuning tuning;
    private final Workers workers;
    private final ScratchArena arena;

    /** By rank. */
    private final int[] nodes;

    private final int keep;
    private final int width;
    private @Nullable Sketch sketch;
    private @Nullable Projection projection;

    /**
     * @param nodes to link, without twins, raised to their levels, highest first
     */
    BatchBuild(Graph graph, int[] nodes, int ef, Fresh.Tuning tuning, ScratchArena arena) {
        this.graph = graph;
        this.nodes = nodes;
        this.tuning = tuning;
        this.workers = new Workers(tuning.threads());
        this.arena = arena;
        this.keep = keep(graph.layout, ef);
        this.width = width(graph.layout);
    }

    /** How many candidates of a node are ranked. */
    static int keep(Layout layout, int ef) {
        return Math.clamp(Math.max(4L * layout.m(), 64L * ef / 100), 8, 512);
    }

    /** How many of them a node chooses itself; more may choose it. */
    static int width(Layout layout) {
        return Math.min(layout.m() + layout.m() / 4, layout.links(0));
    }

    /** Returns whether it did: not for vectors of which no sketch can be made. */
    boolean run() {
        Kernels.warm();
        var sketcher = new Sketcher(graph, nodes, keep, workers, arena);
        var made = sketcher.make();
        made.ifPresent(it -> link(it, lists(it)));
        sketch = made.orElse(null);
        projection = sketcher.projection();
        return made.isPresent();
    }

    /** Makes a sidecar: of the sketch, which is there as long as the arena, or of the vectors where they are their own. Null if none can be. */
    @Nullable
    Sidecar sidecar(SidecarMaker maker, Path folder, Twins twins) throws IOException {
        return sketch == null || projection == null
                ? maker.make(folder, graph.nodes())
                : maker.make(folder, sketch, projection, nodes, twins);
    }

    private Lists lists(Sketch made) {
        var candidates = new Candidates(made, keep, UPPER, width, SLACK, workers, arena);
        return nodes.length < tuning.leavesFrom() ? candidates.amongAll() : candidates.amongLeaves(ranks(1));
    }

    /** How many nodes are on a level. */
    private int ranks(int level) {
        int rows = nodes.length;
        while (rows > 0 && graph.level(nodes[rows - 1]) < level) {
            rows--;
        }
        return rows;
    }

    private void link(Sketch made, Lists lists) {
        for (int level = 0; level <= graph.level(nodes[0]); level++) {
            new BackLinks(graph, lists, level, nodes, ranks(level)).write(made, SLACK, workers);
        }
    }
}
