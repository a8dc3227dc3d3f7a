package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Links many new nodes into a graph at once. Their candidates are the nodes of the leaves nearest to them (see {@link Sidecar}), of the base
 * and of the new ones before them, and on upper levels all nodes there are. Those are all near, so what room the lists have is filled with
 * long links, which lead searches with a narrow beam from one neighbourhood to another. Distances are estimates in the sidecar's subspace,
 * so of the graph that was there only the links of those who gain one are read and written, no vector.
 *
 * <p>New nodes are in the order of their levels, highest first. Deleted nodes get no new links.
 */
final class Growth {
    /** Of all leaves a node is compared with this part. */
    private static final int PROBE_SHARE = 8;

    private static final int PROBE_LEAST = 8;
    private static final int PIECE = 256;

    /** Of the base's nodes so many are looked at for the long links of a few rows, others for the next few. */
    private static final int SAMPLE = 512;

    /** Few, since searches are helped by many different places that long links lead to. */
    private static final int SHARE_SAMPLE = 96;

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

    /** The base's nodes that may gain links. */
    private final int[] columns;

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
        this.columns = IntStream.range(0, first)
                .filter(node -> !graph.deleted(node) && twins.standIn(node) == node)
                .toArray();
        this.keep = BatchBuild.keep(graph.layout, ef);
        this.width = BatchBuild.width(graph.layout);
    }

    void run() {
        int highest = graph.level(nodes[0]);
        for (int level = highest; level > 0; level--) {
            linkBack(level, upperLists(level));
        }
        linkBack(0, lists());
        int[][] far = far();
        for (int row = 0; row < nodes.length; row++) {
            reach(nodes[row], far[row]);
        }
        if (highest > graph.maxLevel()) {
            graph.enterAt(nodes[0]);
        }
    }

    /** By leaf, who is compared with those that probe it, ascending: of the base and new ones. */
    private int[][] leaves() {
        int[] sizes = new int[sidecar.leaves()];
        IntStream.concat(Arrays.stream(columns), Arrays.stream(nodes)).forEach(node -> sizes[sidecar.leafOf[node]]++);
        int[][] leaves = new int[sizes.length][];
        Arrays.setAll(leaves, leaf -> new int[sizes[leaf]]);
        Arrays.fill(sizes, 0);
        IntStream.concat(Arrays.stream(columns), Arrays.stream(nodes)).forEach(node -> {
            int leaf = sidecar.leafOf[node];
            leaves[leaf][sizes[leaf]++] = node;
        });
        return leaves;
    }

    private Lists lists() {
        int[][] leaves = leaves();
        int probes = Math.min(leaves.length, Math.max(PROBE_LEAST, leaves.length / PROBE_SHARE));
        int depth = sketch.depth();
        int chunk = Sweep.rows(depth);
        Lists lists = new Lists(arena, nodes.length, width);
        Sweep[] sweeps = new Sweep[workers.threads()];
        Arrays.setAll(sweeps, _ -> new Sweep(depth, chunk, keep));
        int[][] probed = new int[graph.nodes() - first][];
        maker.nearestLeaves(sidecar, first, graph.nodes(), probes, (node, found, count) -> {
            int[] leavesOf = new int[count];
            Arrays.setAll(leavesOf, k -> Nearest.node(found[k]));
            probed[node - first] = leavesOf;
        });
        int[] byLeaf = byLeaf();
        int pieces = (nodes.length + chunk - 1) / chunk;
        workers.each(pieces, (piece, worker) -> {
            int[] rows = Arrays.copyOfRange(byLeaf, piece * chunk, Math.min((piece + 1) * chunk, nodes.length));
            Arrays.sort(rows);
            int[] which = Arrays.stream(rows).map(row -> nodes[row]).toArray();
            Sweep sweep = sweeps[worker];
            sweep.start(sketch.z(), which, 0, which.length, true);
            int[][] slots = slotsOfLeaves(probed, which);
            for (int leaf = 0; leaf < leaves.length; leaf++) {
                sweep.narrow(sketch.z(), which, 0, slots[leaf], 0, slots[leaf].length);
                sweep.against(sketch, leaves[leaf], 0, leaves[leaf].length);
            }
            choose(0, sweep, rows, lists, new Diversity(sketch, BatchBuild.SLACK, 3 * keep, width));
        });
        return lists;
    }

    /** The rows in the order of their own leaves, so that those of a piece probe few. */
    private int[] byLeaf() {
        return IntStream.range(0, nodes.length)
                .mapToLong(row -> (long) sidecar.leafOf[nodes[row]] << 32 | row)
                .sorted()
                .mapToInt(key -> (int) key)
                .toArray();
    }

    /** By leaf, which of these nodes are compared with it. */
    private int[][] slotsOfLeaves(int[][] probed, int[] which) {
        int[] sizes = new int[sidecar.leaves()];
        for (int node : which) {
            for (int leaf : probed[node - first]) {
                sizes[leaf]++;
            }
        }
        int[][] slots = new int[sizes.length][];
        Arrays.setAll(slots, leaf -> new int[sizes[leaf]]);
        Arrays.fill(sizes, 0);
        for (int slot = 0; slot < which.length; slot++) {
            for (int leaf : probed[which[slot] - first]) {
                slots[leaf][sizes[leaf]++] = slot;
            }
        }
        return slots;
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
            var diversity = new Diversity(sketch, BatchBuild.SLACK, 3 * keep, most);
            choose(level, sweeps[worker], IntStream.range(from, to).toArray(), lists, diversity);
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

    /** Writes the lists of some rows, and keeps them for the links back. */
    private void choose(int level, Sweep sweep, int[] rows, Lists lists, Diversity diversity) {
        long[] found = new long[sweep.capacity()];
        for (int slot = 0; slot < rows.length; slot++) {
            int node = nodes[rows[slot]];
            int count = diversity.chooseFound(node, found, sweep.found(slot, found), lists.width());
            lists.set(rows[slot], diversity.chosen(), count);
            int[] links = new int[count];
            put(links, 0, diversity.chosen(), count);
            graph.setLinks(node, level, links, count);
        }
    }

    /** For each row the nearest of a sample of the base's nodes, as many as it would choose itself. */
    private int[][] far() {
        int pieces = (nodes.length + SHARE_SAMPLE - 1) / SHARE_SAMPLE;
        int[][] far = new int[nodes.length][];
        Sweep[] sweeps = new Sweep[workers.threads()];
        Arrays.setAll(sweeps, _ -> new Sweep(sketch.depth(), SHARE_SAMPLE, width));
        workers.each(pieces, (piece, worker) -> {
            int from = piece * SHARE_SAMPLE;
            int to = Math.min(from + SHARE_SAMPLE, nodes.length);
            Sweep sweep = sweeps[worker];
            int[] sample = sample(piece, pieces);
            sweep.start(sketch.z(), nodes, from, to, true);
            sweep.against(sketch, sample, 0, sample.length);
            long[] found = new long[sweep.capacity()];
            for (int row = from; row < to; row++) {
                int[] nearest = new int[sweep.found(row - from, found)];
                Arrays.setAll(nearest, k -> Nearest.node(found[k]));
                far[row] = nearest;
            }
        });
        return far;
    }

    /** Evenly chosen, others for each piece. */
    private int[] sample(int piece, int pieces) {
        int size = Math.min(SAMPLE, columns.length);
        int[] sample = new int[size];
        Arrays.setAll(
                sample, k -> columns[(int) (((long) k * pieces + piece) * columns.length / ((long) size * pieces))]);
        return sample;
    }

    /**
     * Fills with long links, both ways, what room the lists have: what is near is linked by now, and a search with a narrow beam that began
     * elsewhere ends among nodes that have links to their surroundings only.
     */
    private void reach(int node, int[] far) {
        for (int other : far) {
            if (hasRoom(node) && !graph.hasLink(node, other) && !graph.hasLink(other, node)) {
                graph.addLink(node, 0, other);
                if (hasRoom(other)) {
                    graph.addLink(other, 0, node);
                }
            }
        }
    }

    private boolean hasRoom(int node) {
        return graph.links(node, 0) < graph.layout.links(0);
    }

    /** Adds the links back: whoever was chosen gains one. */
    private void linkBack(int level, Lists lists) {
        int rows = rows(level);
        int[] starts = new int[graph.nodes() + 1];
        long[] list = new long[lists.width()];
        for (int row = 0; row < rows; row++) {
            int own = lists.get(row, list);
            for (int k = 0; k < own; k++) {
                starts[Nearest.node(list[k]) + 1]++;
            }
        }
        int[] targets = new int[graph.nodes()];
        int count = 0;
        for (int node = 0; node < graph.nodes(); node++) {
            if (starts[node + 1] > 0) {
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
                gain(node, level, Arrays.copyOfRange(incoming, starts[node], starts[node + 1]), diversity);
            }
        });
    }

    /**
     * Adds who chose a node to what it has. If these are too many, the farthest it has stay on half of the places: by distance alone they
     * would be the first to go, and nothing else leads a search elsewhere. The others and the new ones compete for the rest.
     */
    private void gain(int node, int level, long[] back, Diversity diversity) {
        int most = graph.layout.links(level);
        int[] had = graph.linksOf(node, level);
        int[] links = Arrays.copyOf(had, Math.min(had.length + back.length, most));
        if (had.length + back.length <= most) {
            put(links, had.length, back, back.length);
            graph.setLinks(node, level, links, links.length);
            return;
        }
        int kept = 0;
        int count = 0;
        long[] candidates = new long[had.length + back.length];
        diversity.from(node);
        for (int other : had) {
            if (level == 0 && twins.same(node, other) && kept < Math.min(twins.treeLinks(), most)) {
                links[kept++] = other;
            } else {
                candidates[count++] = Nearest.entry(diversity.distance(other), other);
            }
        }
        Nearest.sort(candidates, count);
        int nearer = Math.max(0, count - Math.min(most / 2, most - kept));
        for (int k = nearer; k < count; k++) {
            links[kept++] = Nearest.node(candidates[k]);
        }
        System.arraycopy(back, 0, candidates, nearer, back.length);
        Nearest.sort(candidates, nearer + back.length);
        int chosen = diversity.choose(candidates, nearer + back.length, most - kept);
        put(links, kept, diversity.chosen(), chosen);
        graph.setLinks(node, level, links, kept + chosen);
    }

    private static void put(int[] links, int from, long[] entries, int count) {
        for (int k = 0; k < count; k++) {
            links[from + k] = Nearest.node(entries[k]);
        }
    }
}
