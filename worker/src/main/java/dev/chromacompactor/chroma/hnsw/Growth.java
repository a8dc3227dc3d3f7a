package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Links many new nodes into a graph at once. Their candidates are the nodes of the leaves nearest to them (see {@link Sidecar}), the new
 * nodes before them, and on upper levels all nodes there are; distances are estimates in the sidecar's subspace, so of the graph that was
 * there only the links of those who gain one are read and written, no vector.
 *
 * <p>New nodes are in the order of their levels, highest first. Deleted nodes get no new links.
 */
final class Growth {
    /** Of all leaves a node is compared with this part. */
    private static final int PROBE_SHARE = 8;

    private static final int PROBE_LEAST = 8;
    private static final int PIECE = 256;

    private final Graph graph;
    private final Twins twins;
    private final Sidecar sidecar;
    private final SidecarMaker maker;
    private final Sketch sketch;
    private final Workers workers;
    private final Arena arena;
    private final int first;

    /** The new nodes to link, ascending, without twins. */
    private final int[] nodes;

    private final int keep;
    private final int width;

    /** @param first the first new node; all new ones are written, raised to their levels, and in the sidecar */
    Growth(
            Graph graph,
            Twins twins,
            Sidecar sidecar,
            SidecarMaker maker,
            int first,
            int[] nodes,
            int ef,
            Workers workers,
            Arena arena) {
        this.graph = graph;
        this.twins = twins;
        this.sidecar = sidecar;
        this.maker = maker;
        this.sketch = sidecar.sketch();
        this.workers = workers;
        this.arena = arena;
        this.first = first;
        this.nodes = nodes;
        this.keep = BatchBuild.keep(graph.layout, ef);
        this.width = BatchBuild.width(graph.layout);
    }

    void run() {
        int highest = graph.level(nodes[0]);
        for (int level = highest; level > 0; level--) {
            link(level, upperLists(level));
        }
        link(0, lists());
        if (highest > graph.maxLevel()) {
            graph.enterAt(nodes[0]);
        }
    }

    private int[][] leaves() {
        int[] sizes = new int[sidecar.leaves()];
        for (int node = 0; node < first; node++) {
            sizes[sidecar.leafOf[node]] += isColumn(node) ? 1 : 0;
        }
        int[][] leaves = new int[sizes.length][];
        Arrays.setAll(leaves, leaf -> new int[sizes[leaf]]);
        Arrays.fill(sizes, 0);
        for (int node = 0; node < first; node++) {
            if (isColumn(node)) {
                int leaf = sidecar.leafOf[node];
                leaves[leaf][sizes[leaf]++] = node;
            }
        }
        return leaves;
    }

    /** Whether a node of the base may gain links. */
    private boolean isColumn(int node) {
        return !graph.deleted(node) && twins.standIn(node) == node;
    }

    private Lists lists() {
        int[][] leaves = leaves();
        int probes = Math.min(leaves.length, Math.max(PROBE_LEAST, leaves.length / PROBE_SHARE));
        int depth = sketch.depth();
        int chunk = Sweep.rows(depth);
        Lists lists = new Lists(arena, nodes.length, width);
        Sweep[] sweeps = new Sweep[workers.threads()];
        Arrays.setAll(sweeps, _ -> new Sweep(depth, chunk, keep));
        int[][] probed = new int[graph.nodes()][];
        maker.nearestLeaves(sidecar, first, graph.nodes(), probes, (node, found, count) -> {
            probed[node] = new int[count];
            Arrays.setAll(probed[node], k -> Nearest.node(found[k]));
        });
        int pieces = (nodes.length + chunk - 1) / chunk;
        workers.each(pieces, (piece, worker) -> {
            int from = (pieces - 1 - piece) * chunk;
            int to = Math.min(from + chunk, nodes.length);
            Sweep sweep = sweeps[worker];
            sweep.start(sketch.z(), nodes, from, to, true);
            sweep.against(sketch, nodes, 0, to);
            int[][] rowsOf = rowsOfLeaves(probed, from, to);
            for (int leaf = 0; leaf < leaves.length; leaf++) {
                sweep.narrow(sketch.z(), nodes, from, rowsOf[leaf], 0, rowsOf[leaf].length);
                sweep.against(sketch, leaves[leaf], 0, leaves[leaf].length);
            }
            choose(sweep, nodes, from, to, lists, new Diversity(sketch, BatchBuild.SLACK, 3 * keep, width), width);
        });
        return lists;
    }

    /** By leaf, which rows from {@code from} on are compared with it. */
    private int[][] rowsOfLeaves(int[][] probed, int from, int to) {
        int[] sizes = new int[sidecar.leaves()];
        for (int row = from; row < to; row++) {
            for (int leaf : probed[nodes[row]]) {
                sizes[leaf]++;
            }
        }
        int[][] rows = new int[sizes.length][];
        Arrays.setAll(rows, leaf -> new int[sizes[leaf]]);
        Arrays.fill(sizes, 0);
        for (int row = from; row < to; row++) {
            for (int leaf : probed[nodes[row]]) {
                rows[leaf][sizes[leaf]++] = row - from;
            }
        }
        return rows;
    }

    /** All pairs: there are few on an upper level. */
    private Lists upperLists(int level) {
        int rows = rows(level);
        int most = graph.layout.links(level);
        int[] columns = new int[first + rows];
        int count = 0;
        for (int node = 0; node < first; node++) {
            if (graph.level(node) >= level && !graph.deleted(node)) {
                columns[count++] = node;
            }
        }
        System.arraycopy(nodes, 0, columns, count, rows);
        int all = count + rows;
        Lists lists = new Lists(arena, rows, most);
        int chunk = Math.min(Sweep.rows(sketch.depth()), PIECE);
        Sweep[] sweeps = new Sweep[workers.threads()];
        Arrays.setAll(sweeps, _ -> new Sweep(sketch.depth(), chunk, keep));
        workers.each((rows + chunk - 1) / chunk, (piece, worker) -> {
            int from = piece * chunk;
            int to = Math.min(from + chunk, rows);
            sweeps[worker].start(sketch.z(), nodes, from, to, true);
            sweeps[worker].against(sketch, columns, 0, all);
            choose(
                    sweeps[worker],
                    nodes,
                    from,
                    to,
                    lists,
                    new Diversity(sketch, BatchBuild.SLACK, 3 * keep, most),
                    most);
        });
        return lists;
    }

    /** How many new nodes are on a level. */
    private int rows(int level) {
        int rows = nodes.length;
        while (rows > 0 && graph.level(nodes[rows - 1]) < level) {
            rows--;
        }
        return rows;
    }

    private void choose(Sweep sweep, int[] which, int from, int to, Lists lists, Diversity diversity, int most) {
        long[] found = new long[3 * keep];
        for (int row = from; row < to; row++) {
            int node = which[row];
            int count = sweep.found(row - from, found);
            lists.set(row, diversity.chosen(), diversity.chooseFound(node, found, count, most));
        }
    }

    /** Writes the lists, and the links back. */
    private void link(int level, Lists lists) {
        int rows = rows(level);
        int[] starts = new int[graph.nodes() + 1];
        int[] rowOf = new int[graph.nodes() - first];
        long[] list = new long[lists.width()];
        for (int row = 0; row < rows; row++) {
            rowOf[nodes[row] - first] = row;
            int own = lists.get(row, list);
            for (int k = 0; k < own; k++) {
                starts[Nearest.node(list[k]) + 1]++;
            }
        }
        int[] targets = new int[graph.nodes()];
        int count = 0;
        for (int node = 0; node < graph.nodes(); node++) {
            boolean listed = node >= first && nodes[rowOf[node - first]] == node && rowOf[node - first] < rows;
            if (listed || starts[node + 1] > 0) {
                targets[count++] = node;
            }
            starts[node + 1] += starts[node];
        }
        long[] incoming = new long[starts[graph.nodes()]];
        int[] next = starts.clone();
        for (int row = 0; row < rows; row++) {
            int own = lists.get(row, list);
            for (int k = 0; k < own; k++) {
                incoming[next[Nearest.node(list[k])]++] = Nearest.entry(Nearest.distance(list[k]), nodes[row]);
            }
        }
        int most = graph.layout.links(level);
        int all = count;
        workers.each((all + PIECE - 1) / PIECE, (piece, worker) -> {
            var diversity = new Diversity(sketch, BatchBuild.SLACK, most + 1, most);
            for (int t = piece * PIECE; t < Math.min(all, (piece + 1) * PIECE); t++) {
                int node = targets[t];
                long[] back = Arrays.copyOfRange(incoming, starts[node], starts[node + 1]);
                if (node < first) {
                    gain(node, level, back, diversity);
                } else {
                    settle(node, level, lists, rowOf[node - first], back, diversity);
                }
            }
        });
    }

    /** A node of the base: what it has, and who chose it. */
    private void gain(int node, int level, long[] back, Diversity diversity) {
        int most = graph.layout.links(level);
        int links = graph.links(node, level);
        if (links + back.length <= most) {
            for (long entry : back) {
                graph.addLink(node, level, Nearest.node(entry));
            }
            return;
        }
        int kept = 0;
        int count = 0;
        long[] candidates = new long[links + back.length];
        for (int k = 0; k < links; k++) {
            int other = graph.link(node, level, k);
            if (level == 0 && twins.same(node, other) && kept < Math.min(twins.treeLinks(), most)) {
                graph.setLink(node, level, kept++, other);
            } else {
                candidates[count++] = Nearest.entry(diversity.distance(node, other), other);
            }
        }
        System.arraycopy(back, 0, candidates, count, back.length);
        write(node, level, kept, candidates, count + back.length, diversity);
    }

    /** A new node: its own list, and who chose it. */
    private void settle(int node, int level, Lists lists, int row, long[] back, Diversity diversity) {
        long[] candidates = new long[lists.width() + back.length];
        int own = lists.get(row, candidates);
        System.arraycopy(back, 0, candidates, own, back.length);
        write(node, level, 0, candidates, own + back.length, diversity);
    }

    private void write(int node, int level, int kept, long[] candidates, int count, Diversity diversity) {
        Nearest.sort(candidates, count);
        int chosen = diversity.choose(candidates, count, graph.layout.links(level) - kept);
        for (int k = 0; k < chosen; k++) {
            graph.setLink(node, level, kept + k, Nearest.node(diversity.chosen()[k]));
        }
        graph.setLinks(node, level, kept + chosen);
    }
}
