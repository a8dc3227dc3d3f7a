package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.failure.FailureException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;

/** Whether every link and every vector of an index can be followed and used. */
final class GraphCheck {
    private final HnswIndex index;
    private final Layout layout;
    private final MemorySegment data;
    private final int nodes;

    /** seen[n] is the number of the last list that named node n. */
    private final int[] seen;

    private int list;
    private final float[] vector;

    /** Of one node, those in use first. */
    private final int[] links;

    GraphCheck(HnswIndex index) {
        this.index = index;
        this.layout = index.header().layout();
        this.data = index.data();
        this.nodes = index.header().nodes();
        this.seen = new int[nodes];
        this.vector = new float[layout.dimension()];
        this.links = new int[layout.links(0)];
    }

    /** @param from the first node whose vector is looked at */
    void run(int from) {
        checkLevels();
        for (int node = 0; node < nodes; node++) {
            if (node >= from) {
                checkVector(node);
                checkLength(node);
            }
            checkLevelZero(node);
            checkUpper(node);
        }
    }

    /** What we promise of our own indexes beyond {@link #run}: a search can reach every live node, and some node links to it. */
    void requireReachable() {
        lost().ifPresent(lost -> {
            throw lost;
        });
    }

    boolean isReachable() {
        return lost().isEmpty();
    }

    /** What to say of the first live node that no search can reach or no node links to. */
    private Optional<FailureException> lost() {
        int[] incoming = new int[nodes];
        BitSet reached = reached(incoming);
        for (int node = 0; node < nodes; node++) {
            if (isLost(node, reached, incoming)) {
                return Optional.of(bad(
                        node,
                        0,
                        reached.get(node) ? "is linked to by no node" : "cannot be reached from the entry point"));
            }
        }
        return Optional.empty();
    }

    private boolean isLost(int node, BitSet reached, int[] incoming) {
        boolean live = (data.get(Layout.INT, layout.node(node)) & Layout.DELETED) == 0;
        return live && (!reached.get(node) || (incoming[node] == 0 && index.size() > 1));
    }

    /** Walks from the entry point over level 0, counting the links into each node. */
    private BitSet reached(int[] incoming) {
        BitSet reached = new BitSet(nodes);
        int[] queue = new int[nodes];
        int tail = 0;
        if (nodes > 0) {
            queue[tail++] = index.header().entryPoint();
            reached.set(queue[0]);
        }
        for (int head = 0; head < tail; head++) {
            int count = links(queue[head]);
            for (int k = 0; k < count; k++) {
                int neighbour = links[k];
                incoming[neighbour]++;
                if (!reached.get(neighbour)) {
                    reached.set(neighbour);
                    queue[tail++] = neighbour;
                }
            }
        }
        return reached;
    }

    private void checkLevels() {
        if (nodes == 0) {
            return;
        }
        int maxLevel = index.header().maxLevel();
        int entryPoint = index.header().entryPoint();
        Path file = index.folder().resolve(Header.FILE);
        if (level(entryPoint) != maxLevel) {
            throw IndexFiles.torn(
                    file,
                    "entry point " + entryPoint + " is on level " + level(entryPoint) + ", not the highest, "
                            + maxLevel);
        }
        for (int node = 0; node < nodes; node++) {
            if (level(node) > maxLevel) {
                throw IndexFiles.torn(
                        file, "highest level is " + maxLevel + ", but node " + node + " is on " + level(node));
            }
        }
    }

    private void checkVector(int node) {
        MemorySegment.copy(data, Layout.FLOAT, layout.vector(node), vector, 0, vector.length);
        if (Finite.all(vector)) {
            return;
        }
        for (int i = 0; i < vector.length; i++) {
            float x = vector[i];
            if (!Float.isFinite(x)) {
                throw FailureException.input(
                        "vector-not-finite",
                        "reading " + file(0) + ": " + index.name(node) + " has " + x + " at " + i + " (byte "
                                + (layout.vector(node) + 4L * i) + ")");
            }
        }
    }

    private void checkLength(int node) {
        if (index.space() == Space.COSINE && !Float.isFinite(index.lengths()[node])) {
            throw FailureException.input(
                    "vector-not-finite",
                    "reading " + index.folder().resolve(IndexFiles.LENGTHS) + ": " + index.name(node) + " has length "
                            + index.lengths()[node] + " (byte " + 4L * node + ")");
        }
    }

    private void checkLevelZero(int node) {
        int count = links(node);
        list++;
        for (int k = 0; k < count; k++) {
            checkLink(node, 0, links[k]);
        }
    }

    private void checkUpper(int node) {
        int[] upper = index.upper()[node];
        if (upper == null) {
            return;
        }
        for (int level = 1; level <= level(node); level++) {
            int start = (level - 1) * layout.upperInts();
            int count = upper[start] & Layout.COUNT_MASK;
            if (count > layout.links(level)) {
                throw bad(node, level, "has " + count + " links, more than " + layout.links(level));
            }
            list++;
            for (int k = 1; k <= count; k++) {
                checkLink(node, level, upper[start + k]);
            }
        }
    }

    private void checkLink(int node, int level, int neighbour) {
        if (neighbour < 0 || neighbour >= nodes) {
            throw bad(node, level, "links to " + Integer.toUnsignedString(neighbour) + " of " + nodes + " nodes");
        }
        if (neighbour == node) {
            throw bad(node, level, "links to itself");
        }
        if (level(neighbour) < level) {
            throw bad(node, level, "links to node " + neighbour + ", which is not on that level");
        }
        if (seen[neighbour] == list) {
            throw bad(node, level, "links to node " + neighbour + " twice");
        }
        seen[neighbour] = list;
    }

    /** Copies the links of a node on level 0; returns how many. */
    private int links(int node) {
        int count = data.get(Layout.INT, layout.node(node)) & Layout.COUNT_MASK;
        if (count > links.length) {
            throw bad(node, 0, "has " + count + " links, more than " + links.length);
        }
        MemorySegment.copy(data, Layout.INT, layout.node(node) + 4, links, 0, count);
        return count;
    }

    private int level(int node) {
        int[] links = index.upper()[node];
        return links == null ? 0 : links.length / layout.upperInts();
    }

    private FailureException bad(int node, int level, String what) {
        return IndexFiles.torn(file(level), index.name(node) + " on level " + level + " " + what);
    }

    /** Where the links of a level are. */
    private Path file(int level) {
        return index.folder().resolve(level == 0 ? IndexFiles.DATA : IndexFiles.LINKS);
    }
}
