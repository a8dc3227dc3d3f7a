package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Space;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Fills sidecars: makes one of a graph's nodes, adds nodes to one. All of it reads each vector once. */
final class SidecarMaker {
    /** Directions: what the measurements of the batch build found to serve candidates. */
    private static final int COLUMNS = 192;

    /** Nodes of a leaf, about. */
    private static final int LEAF = 250;

    private static final int PIECE = 1024;

    private static final int JUDGES = 32;
    private static final int JURY = 600;
    private static final int BEST = 8;
    private static final int AMONG = 32;
    private static final float ENOUGH = .9f;

    private final Graph graph;
    private final Workers workers;
    private final Arena arena;

    SidecarMaker(Graph graph, Workers workers, Arena arena) {
        this.graph = graph;
        this.workers = workers;
        this.arena = arena;
    }

    /**
     * Makes one of all nodes there are.
     *
     * @return null if the vectors fill so many dimensions that no subspace tells them apart
     */
    @Nullable
    Sidecar make(Path folder, int capacity) throws IOException {
        int n = graph.nodes();
        int d = graph.layout.dimension();
        Matrix sample = Matrix.allocate(arena, Math.min(n, Projection.SAMPLE), d);
        for (int s = 0; s < sample.rows(); s++) {
            int node = (int) ((long) s * n / sample.rows());
            MemorySegment.copy(graph.vector(node), 0, sample.cells(), sample.at(s), 4L * d);
        }
        Projection projection = Projection.of(sample, Math.min(d, COLUMNS), workers, arena);
        Sidecar sidecar = blank(folder, projection, capacity);
        project(sidecar, 0, n);
        return divided(sidecar);
    }

    /**
     * The same out of what the batch build of a new graph found.
     *
     * @param nodes of the sketch's rows; the others are twins of these
     */
    @Nullable
    Sidecar make(Path folder, Sketch sketch, Projection projection, int[] nodes, Twins twins) throws IOException {
        int n = graph.nodes();
        int columns = Math.min(COLUMNS, projection.directions().rows());
        // The strongest come first.
        var directions = new Matrix(projection.directions().cells(), columns, graph.layout.dimension());
        Sidecar sidecar = blank(folder, new Projection(projection.mean(), directions), n);
        int[] rowOf = new int[n];
        for (int row = 0; row < nodes.length; row++) {
            rowOf[nodes[row]] = row;
        }
        workers.each((n + PIECE - 1) / PIECE, (piece, worker) -> {
            float[] at = new float[columns];
            for (int node = piece * PIECE; node < Math.min(n, (piece + 1) * PIECE); node++) {
                int row = rowOf[twins.standIn(node)];
                sketch.z().read(row, at, columns);
                sidecar.z.write(node, 0, at, 0, columns);
                sidecar.terms[node] = sketch.terms()[row];
                sidecar.hashes[node] = Twins.hash(graph.vector(node));
            }
        });
        return divided(sidecar);
    }

    private Sidecar blank(Path folder, Projection projection, int capacity) throws IOException {
        Files.deleteIfExists(folder.resolve(Sidecar.SKETCH));
        int n = graph.nodes();
        return Sidecar.blank(folder, projection, capacity, Math.max(1, n / LEAF), n, Sidecar.factor(graph), arena);
    }

    /** Divides the nodes there are among leaves. */
    private @Nullable Sidecar divided(Sidecar sidecar) {
        int n = graph.nodes();
        int leaves = sidecar.leaves();
        for (int leaf = 0; leaf < leaves; leaf++) {
            int node = (int) ((long) leaf * n / leaves);
            float[] at = new float[sidecar.z.columns()];
            sidecar.z.read(node, at, at.length);
            sidecar.leaders.write(leaf, 0, at, 0, at.length);
            sidecar.leaderTerms[leaf] = sidecar.terms[node];
        }
        assign(sidecar, 0, n);
        return tells(sidecar, 0, n, n) ? sidecar : null;
    }

    /** Adds nodes whose vectors are written. */
    void add(Sidecar sidecar, int from, int to) {
        project(sidecar, from, to);
        assign(sidecar, from, to);
    }

    private void project(Sidecar sidecar, int start, int end) {
        boolean ip = graph.space == Space.IP;
        int d = graph.layout.dimension();
        float meanSquared = Kernels.dot(sidecar.mean, sidecar.mean, d);
        Panels panels = Panels.ofRows(sidecar.directions);
        int chunk = Math.min(Sweep.rows(d), 96);
        Panels.Times[] scratch = new Panels.Times[workers.threads()];
        Arrays.setAll(scratch, _ -> panels.new Times());
        Panels.Rows rows = (node, into) -> {
            MemorySegment.copy(graph.vector(node), Layout.FLOAT, 0, into, 0, d);
            sidecar.hashes[node] = Twins.hash(graph.vector(node));
            if (ip) {
                sidecar.terms[node] = (1 + meanSquared) / 2 - Kernels.dot(into, sidecar.mean, d);
            }
            Kernels.add(-1, sidecar.mean, into, d);
            if (!ip) {
                sidecar.terms[node] = Kernels.dot(into, into, d);
            }
        };
        workers.each((end - start + chunk - 1) / chunk, (piece, worker) -> {
            int from = start + piece * chunk;
            scratch[worker].run(rows, from, Math.min(from + chunk, end), sidecar.z);
        });
    }

    private void assign(Sidecar sidecar, int from, int to) {
        nearestLeaves(sidecar, from, to, 1, (node, leaves, count) -> {
            sidecar.leafOf[node] = count == 0 ? 0 : Nearest.node(leaves[0]);
        });
    }

    /** Takes the nearest leaves of a node, in no order. */
    interface Leaves {
        void take(int node, long[] leaves, int count);
    }

    void nearestLeaves(Sidecar sidecar, int start, int end, int most, Leaves each) {
        int[] all = new int[Math.max(graph.nodes(), sidecar.leaves())];
        Arrays.setAll(all, i -> i);
        int depth = sidecar.z.columns();
        int chunk = Sweep.rows(depth);
        Sweep[] sweeps = new Sweep[workers.threads()];
        Arrays.setAll(sweeps, _ -> new Sweep(depth, chunk, most));
        Sketch leaders = sidecar.leaderSketch();
        workers.each((end - start + chunk - 1) / chunk, (piece, worker) -> {
            int from = start + piece * chunk;
            int to = Math.min(from + chunk, end);
            Sweep sweep = sweeps[worker];
            sweep.start(sidecar.z, all, from, to, false);
            sweep.against(leaders, all, 0, sidecar.leaves());
            long[] found = new long[3 * most];
            for (int node = from; node < to; node++) {
                each.take(node, found, sweep.found(node - from, found));
            }
        });
    }

    /**
     * Whether the subspace tells neighbours: of the nearest of some sampled nodes in their own leaves, how many are among the nearest by
     * estimate. Farther away it need not tell, and cannot: between clusters all is about equally far. The nodes that are asked lie between
     * {@code from} and {@code to}, those they are compared with before {@code among}.
     */
    boolean tells(Sidecar sidecar, int from, int to, int among) {
        var random = new SplittableRandom(0x7e115);
        int met = 0;
        int asked = 0;
        for (int judge = 0; judge < Math.min(JUDGES, to - from); judge++) {
            int node = from + random.nextInt(to - from);
            int[] jury = jury(sidecar, node, among);
            if (jury.length > AMONG) {
                met += met(sidecar.sketch(), node, jury);
                asked += BEST;
            }
        }
        return met >= ENOUGH * asked;
    }

    /** Others of the same leaf, evenly chosen. */
    private int[] jury(Sidecar sidecar, int node, int among) {
        int[] mates = new int[among];
        int count = 0;
        for (int other = 0; other < among; other++) {
            if (sidecar.leafOf[other] == sidecar.leafOf[node] && other != node) {
                mates[count++] = other;
            }
        }
        int[] jury = new int[Math.min(JURY, count)];
        for (int k = 0; k < jury.length; k++) {
            jury[k] = mates[(int) ((long) k * count / jury.length)];
        }
        return jury;
    }

    private int met(Sketch sketch, int node, int[] jury) {
        var between = new Diversity(sketch, 0, 0, 0);
        between.from(node);
        long[] estimates = new long[jury.length];
        float[] exact = new float[jury.length];
        float[] self = graph.vector(node).toArray(Layout.FLOAT);
        float[] other = new float[self.length];
        for (int k = 0; k < jury.length; k++) {
            estimates[k] = Nearest.entry(between.distance(jury[k]), k);
            MemorySegment.copy(graph.vector(jury[k]), Layout.FLOAT, 0, other, 0, other.length);
            exact[k] = distance(self, other);
        }
        Arrays.sort(estimates);
        float[] sorted = exact.clone();
        Arrays.sort(sorted);
        int met = 0;
        for (int k = 0; k < AMONG; k++) {
            // Ties count as met.
            met += exact[Nearest.node(estimates[k])] <= sorted[BEST - 1] ? 1 : 0;
        }
        return Math.min(met, BEST);
    }

    /** What {@link Graph#distance} is, by the kernels: these are compiled from the start. The other vector is lost. */
    private float distance(float[] self, float[] other) {
        float distance;
        if (graph.space == Space.L2) {
            Kernels.add(-1, self, other, other.length);
            distance = Kernels.dot(other, other, other.length);
        } else {
            distance = 1 - Kernels.dot(self, other, other.length);
        }
        return Float.isNaN(distance) ? Float.POSITIVE_INFINITY : distance;
    }
}
