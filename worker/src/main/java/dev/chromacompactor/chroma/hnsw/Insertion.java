package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/**
 * Inserts nodes into a graph as Malkov and Yashunin describe (arXiv 1603.09320, algorithms 1 to 4) and hnswlib does: descend greedily to
 * the node's level, then on each level gather {@code ef} candidates, link to a diverse few, and link back, pruning full lists.
 *
 * <p>Deleted nodes are passed through but get no new links. Twins (see {@link Twins}) hang below the one that stands for them.
 */
final class Insertion {
    private final Graph graph;
    private final Twins twins;
    private final int ef;

    /** Nodes of the base; later ones that are twins are leaves of a tree, which no search needs to enter. */
    private final int baseNodes;

    private final int[] visited;
    private int visit;
    private final Nearest open = Nearest.nearestFirst();
    private final Nearest found = Nearest.farthestFirst();
    private final int[] chosen;

    /** For a graph from nothing. All its nodes are in {@code twins}. */
    Insertion(Graph graph, Twins twins, int ef) {
        this(graph, twins, 0, graph.nodes(), ef);
    }

    /** For a graph that has nodes with links already, which are put into {@code twins} here. */
    Insertion(Graph graph, Twins twins, int capacity, int ef) {
        this(graph, twins, graph.nodes(), capacity, ef);
        for (int node = 0; node < baseNodes; node++) {
            twins.add(node);
        }
    }

    private Insertion(Graph graph, Twins twins, int baseNodes, int capacity, int ef) {
        this.graph = graph;
        this.twins = twins;
        this.ef = ef;
        this.baseNodes = baseNodes;
        this.visited = new int[capacity];
        this.chosen = new int[graph.layout.links(0)];
    }

    /** Hangs a node below its twin, unless it is the one that stands for them; twins stay on level 0. Returns whether it did. */
    boolean hang(int node) {
        if (twins.standIn(node) == node) {
            return false;
        }
        link(twins.parent(node), 0, node);
        link(node, 0, twins.parent(node));
        return true;
    }

    /**
     * Links a node without links, whose vector is written.
     *
     * @param level its highest level
     */
    void insert(int node, int level) {
        graph.raise(node, level);
        if (graph.entryPoint() < 0) {
            graph.enterAt(node);
            return;
        }
        int nearest = graph.entryPoint();
        for (int l = graph.maxLevel(); l > level; l--) {
            nearest = descend(node, nearest, l);
        }
        for (int l = Math.min(level, graph.maxLevel()); l >= 0; l--) {
            gather(node, nearest, l);
            if (found.size() == 0) {
                found.push(Nearest.entry(graph.distance(node, nearest), nearest));
            }
            long[] candidates = found.sorted();
            nearest = Nearest.node(candidates[0]);
            connect(node, l, candidates);
        }
        if (level > graph.maxLevel()) {
            graph.enterAt(node);
        }
    }

    /** Gives a twin the links of the one that stands for it, as far as there is room; to be done when all nodes are inserted. */
    void finish(int node) {
        int standIn = twins.standIn(node);
        if (standIn == node) {
            return;
        }
        int room = graph.layout.links(0) - twins.treeLinks();
        for (int k = 0; k < graph.links(standIn, 0) && room > 0; k++) {
            int neighbour = graph.link(standIn, 0, k);
            if (!twins.same(node, neighbour)
                    && !graph.hasLink(node, neighbour)
                    && graph.links(node, 0) < graph.layout.links(0)) {
                graph.addLink(node, 0, neighbour);
                room--;
            }
        }
    }

    /** Nodes of the base from which links lead to twins only, though there is somebody else. */
    int lonelyTwins() {
        int lonely = 0;
        for (int node = 0; node < baseNodes; node++) {
            boolean elsewhere = !twins.has(node) || twins.isAll(node, baseNodes);
            for (int k = 0; k < graph.links(node, 0) && !elsewhere; k++) {
                elsewhere = !twins.same(node, graph.link(node, 0, k));
            }
            lonely += elsewhere ? 0 : 1;
        }
        return lonely;
    }

    /** The nodes nearest to this one, live or deleted, twins too, nearest first; not itself. */
    long[] nearest(int node) {
        int nearest = graph.entryPoint();
        for (int l = graph.maxLevel(); l > 0; l--) {
            nearest = descend(node, nearest, l);
        }
        search(node, graph.entryPoint(), nearest, 0, true);
        return found.sorted();
    }

    private int descend(int query, int from, int level) {
        int nearest = from;
        float distance = graph.distance(query, nearest);
        for (boolean moved = true; moved; ) {
            moved = false;
            int at = nearest;
            for (int k = 0; k < graph.links(at, level); k++) {
                int neighbour = graph.link(at, level, k);
                float d = graph.distance(query, neighbour);
                if (d < distance) {
                    distance = d;
                    nearest = neighbour;
                    moved = true;
                }
            }
        }
        return nearest;
    }

    private void gather(int query, int from, int level) {
        search(query, from, from, level, false);
    }

    /** Leaves the up to {@code ef} nearest nodes in {@code found}. */
    private void search(int query, int from, int alsoFrom, int level, boolean all) {
        if (++visit == Integer.MAX_VALUE) {
            Arrays.fill(visited, 0);
            visit = 1;
        }
        open.clear();
        found.clear();
        visited[query] = visit;
        consider(query, from, all);
        consider(query, alsoFrom, all);
        while (open.size() > 0) {
            long nearest = open.pop();
            if (found.size() == ef && nearest > found.top()) {
                return;
            }
            int at = Nearest.node(nearest);
            int count = graph.links(at, level);
            for (int k = 0; k < count; k++) {
                consider(query, graph.link(at, level, k), all);
            }
        }
    }

    private void consider(int query, int node, boolean all) {
        if (visited[node] == visit) {
            return;
        }
        visited[node] = visit;
        boolean twin = !all && twins.standIn(node) != node;
        if (twin && node >= baseNodes) {
            return;
        }
        long entry = Nearest.entry(graph.distance(query, node), node);
        if (found.size() == ef && entry > found.top()) {
            return;
        }
        open.push(entry);
        if (!twin && (all || !graph.deleted(node))) {
            found.push(entry);
            if (found.size() > ef) {
                found.pop();
            }
        }
    }

    private void connect(int node, int level, long[] candidates) {
        int count = diverse(candidates, candidates.length, 0, graph.layout.m());
        for (int k = 0; k < count; k++) {
            graph.setLink(node, level, k, chosen[k]);
        }
        graph.setLinks(node, level, count);
        for (int k = 0; k < count; k++) {
            link(graph.link(node, level, k), level, node);
        }
    }

    /** Adds a link; in a full list the heuristic decides who stays. */
    private void link(int from, int level, int to) {
        int count = graph.links(from, level);
        int most = graph.layout.links(level);
        if (count < most) {
            graph.addLink(from, level, to);
            return;
        }
        int kept = 0;
        int others = 0;
        long[] candidates = new long[count + 1];
        for (int k = count; k >= 0; k--) {
            int neighbour = k == count ? to : graph.link(from, level, k);
            if (!twins.same(from, neighbour)) {
                candidates[others++] = Nearest.entry(graph.distance(from, neighbour), neighbour);
            } else if (kept < Math.min(twins.treeLinks(), most)) {
                chosen[kept++] = neighbour;
            }
        }
        Arrays.sort(candidates, 0, others);
        int left = diverse(candidates, others, kept, most);
        for (int k = 0; k < left; k++) {
            graph.setLink(from, level, k, chosen[k]);
        }
        graph.setLinks(from, level, left);
    }

    /**
     * Algorithm 4 as hnswlib has it: takes a candidate unless it is nearer to one already taken than to the node itself.
     *
     * @param candidates sorted, nearest first
     * @param kept how many are in {@code chosen} already
     * @return how many are in {@code chosen} in the end, {@code most} at most
     */
    private int diverse(long[] candidates, int count, int kept, int most) {
        int taken = kept;
        boolean all = count + kept <= most;
        for (int c = 0; c < count && taken < most; c++) {
            int candidate = Nearest.node(candidates[c]);
            if (all || isDiverse(candidate, Nearest.distance(candidates[c]), kept, taken)) {
                chosen[taken++] = candidate;
            }
        }
        return taken;
    }

    private boolean isDiverse(int candidate, float distance, int from, int to) {
        for (int k = from; k < to; k++) {
            if (graph.distance(candidate, chosen[k]) < distance) {
                return false;
            }
        }
        return true;
    }
}
