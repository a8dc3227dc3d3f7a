package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/**
 * Makes every live node reachable on level 0 from the entry point, and linked to by at least one node. A breadth-first walk remembers
 * by which link each node was reached first. An unreached node hangs itself on the nearest reached one: in a free slot, else in place of
 * the farthest neighbour that this node did not reach first, so that nobody loses his way in.
 */
final class Reach {
    private static final int UNREACHED = -1;

    private final Graph graph;
    private final Insertion insertion;
    private final int most;

    /** The node from which each was reached first; the entry point's own is itself. */
    private final int[] from;

    private final int[] queue;
    private final int[] links;

    Reach(Graph graph, Insertion insertion) {
        this.graph = graph;
        this.insertion = insertion;
        this.most = graph.layout.links(0);
        this.from = new int[graph.nodes()];
        this.queue = new int[graph.nodes()];
        this.links = new int[most];
    }

    /** Returns how many live nodes had to be hung in. */
    int repair() {
        if (graph.nodes() == 0) {
            return 0;
        }
        Arrays.fill(from, UNREACHED);
        from[graph.entryPoint()] = graph.entryPoint();
        walk(graph.entryPoint());
        int hung = 0;
        for (int node = 0; node < graph.nodes(); node++) {
            if (from[node] == UNREACHED && !graph.deleted(node)) {
                from[node] = hang(node);
                walk(node);
                hung++;
            }
        }
        linkToEntryPoint();
        return hung;
    }

    private void walk(int start) {
        int tail = 0;
        queue[tail++] = start;
        for (int head = 0; head < tail; head++) {
            int node = queue[head];
            int count = graph.links(node, links);
            for (int k = 0; k < count; k++) {
                int neighbour = links[k];
                if (from[neighbour] == UNREACHED) {
                    from[neighbour] = node;
                    queue[tail++] = neighbour;
                }
            }
        }
    }

    /** Links to an unreached node from a reached one, which is returned. */
    private int hang(int node) {
        for (long entry : insertion.nearest(node)) {
            int reached = Nearest.node(entry);
            if (from[reached] != UNREACHED) {
                return hangBelow(reached, node);
            }
        }
        return hangBelow(graph.entryPoint(), node);
    }

    /** Goes down the tree from {@code top} until somebody can take the node; whoever has no node below him can. */
    private int hangBelow(int top, int node) {
        int tail = 0;
        queue[tail++] = top;
        for (int head = 0; head < tail; head++) {
            int taker = queue[head];
            if (take(taker, node)) {
                return taker;
            }
            for (int k = 0; k < graph.links(taker, 0); k++) {
                if (firstReachedFrom(taker, graph.link(taker, 0, k))) {
                    queue[tail++] = graph.link(taker, 0, k);
                }
            }
        }
        throw new IllegalStateException("no node below " + top + " can take node " + node);
    }

    private boolean take(int taker, int node) {
        if (graph.links(taker, 0) < most) {
            graph.addLink(taker, 0, node);
            return true;
        }
        int slot = -1;
        float farthest = Float.NEGATIVE_INFINITY;
        for (int k = 0; k < most; k++) {
            int neighbour = graph.link(taker, 0, k);
            float distance = graph.distance(taker, neighbour);
            if (!firstReachedFrom(taker, neighbour) && distance > farthest) {
                slot = k;
                farthest = distance;
            }
        }
        if (slot >= 0) {
            graph.setLink(taker, 0, slot, node);
        }
        return slot >= 0;
    }

    private boolean firstReachedFrom(int node, int neighbour) {
        return from[neighbour] == node && neighbour != graph.entryPoint();
    }

    /** Every other live node has the link it was reached by. */
    private void linkToEntryPoint() {
        int entryPoint = graph.entryPoint();
        if (graph.links(entryPoint, 0) == 0) {
            return;
        }
        for (int node = 0; node < graph.nodes(); node++) {
            if (from[node] != UNREACHED && graph.hasLink(node, entryPoint)) {
                return;
            }
        }
        hangBelow(graph.link(entryPoint, 0, 0), entryPoint);
    }
}
