package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Groups of nodes with the same bytes for a vector. Inserted like any other node, more of them than a search keeps candidates fill
 * every list with each other and lose touch with the rest. So one of each group stands for all, and the others hang below it as a tree.
 *
 * <p>The tree: member {@code k} of a group hangs below member {@code (k − 1) / fan}; members are in order of their nodes.
 */
final class Twins {
    private final Graph graph;
    private final int fan;
    private final long[] hashes;
    private final boolean hashed;
    private final @Nullable Group[] groupOf;

    /** The first node with each vector, and 1; found by its hash, else in the next place. */
    private final int[] table;

    /** Nodes with the same vector, two or more. */
    private static final class Group {
        private int[] members;
        private int size = 1;
        private int standIn;

        private Group(int node) {
            members = new int[] {node};
            standIn = node;
        }

        private void add(int node) {
            if (size == members.length) {
                members = Arrays.copyOf(members, 2 * size);
            }
            members[size++] = node;
        }
    }

    Twins(Graph graph, int capacity) {
        this(graph, capacity, null);
    }

    /** @param hashes of the vectors, by node, if they are known; then only vectors of equal hashes are read */
    Twins(Graph graph, int capacity, long @Nullable [] hashes) {
        this.graph = graph;
        this.hashed = hashes != null;
        this.hashes = hashes == null ? new long[capacity] : hashes;
        this.fan = Math.max(2, graph.layout.m() - 2);
        this.groupOf = new Group[capacity];
        this.table = new int[Math.max(2, (int) Math.min(1L << 30, Long.highestOneBit(4L * capacity)))];
    }

    /** Takes up a node; returns whether an earlier one has the same vector. Nodes come in order. */
    boolean add(int node) {
        if (!hashed) {
            hashes[node] = hash(graph.vector(node));
        }
        for (int at = (int) hashes[node]; ; at++) {
            int place = at & table.length - 1;
            int first = table[place] - 1;
            if (first < 0) {
                table[place] = node + 1;
                return false;
            }
            if (hashes[first] == hashes[node] && graph.vector(first).mismatch(graph.vector(node)) < 0) {
                join(first, node);
                return true;
            }
        }
    }

    private void join(int first, int node) {
        Group group = groupOf[first];
        if (group == null) {
            group = new Group(first);
            groupOf[first] = group;
        }
        group.add(node);
        groupOf[node] = group;
        if (graph.deleted(group.standIn) && !graph.deleted(node)) {
            group.standIn = node;
        }
    }

    /** The node this one hangs below. */
    int parent(int node) {
        Group group = group(node);
        int k = Arrays.binarySearch(group.members, 0, group.size, node);
        return group.members[(k - 1) / fan];
    }

    /** The one that stands for the group of this node; itself if it has none. */
    int standIn(int node) {
        Group group = groupOf[node];
        return group == null ? node : group.standIn;
    }

    boolean has(int node) {
        return groupOf[node] != null;
    }

    /** Whether all nodes are twins of this one. */
    boolean isAll(int node, int nodes) {
        return group(node).size == nodes;
    }

    boolean same(int a, int b) {
        return groupOf[a] != null && groupOf[a] == groupOf[b];
    }

    /** Links of a node within its group that pruning must keep: its parent and its children. */
    int treeLinks() {
        return fan + 1;
    }

    private Group group(int node) {
        Group group = groupOf[node];
        if (group == null) {
            throw new IllegalStateException("node " + node + " has no twin");
        }
        return group;
    }

    /** CRC-32C, for which the JVM has code of its own from the first call on. Equal hashes do not mean equal vectors. */
    static long hash(MemorySegment vector) {
        CRC32C crc = new CRC32C();
        crc.update(vector.asByteBuffer());
        return crc.getValue();
    }
}
