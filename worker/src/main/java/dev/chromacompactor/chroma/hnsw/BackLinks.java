package dev.chromacompactor.chroma.hnsw;

import java.util.Arrays;

/**
 * Writes one level of the graph: each row's own list and, sorted by target, the links back to those who chose it; a node that would have
 * too many keeps a diverse few of them all, once. Takes 8 bytes for each link and 4 a row besides the lists.
 */
final class BackLinks {
    private static final int PIECE = 512;

    private final Graph graph;
    private final Lists lists;
    private final int level;

    /** By row. */
    private final int[] nodes;

    private final int rows;

    /** Own links a row has on this level at most. */
    private final int width;

    /** Where the links back to a row begin. */
    private final int[] starts;

    private final long[] incoming;

    /**
     * @param lists of each row, of rows
     * @param nodes of the rows
     * @param rows how many rows, from the first on, are on this level
     */
    BackLinks(Graph graph, Lists lists, int level, int[] nodes, int rows) {
        this.graph = graph;
        this.lists = lists;
        this.level = level;
        this.nodes = nodes;
        this.rows = rows;
        this.width = Math.min(lists.width(), graph.layout.links(level));
        this.starts = new int[rows + 1];
        long[] list = new long[lists.width()];
        for (int row = 0; row < rows; row++) {
            int count = own(row, list);
            for (int k = 0; k < count; k++) {
                starts[Nearest.node(list[k]) + 1]++;
            }
        }
        for (int row = 0; row < rows; row++) {
            starts[row + 1] += starts[row];
        }
        this.incoming = new long[starts[rows]];
        int[] next = Arrays.copyOf(starts, rows);
        for (int row = 0; row < rows; row++) {
            int count = own(row, list);
            for (int k = 0; k < count; k++) {
                incoming[next[Nearest.node(list[k])]++] = Nearest.entry(Nearest.distance(list[k]), row);
            }
        }
    }

    /** What a row chose itself for this level. */
    private int own(int row, long[] into) {
        return Math.min(width, lists.get(row, into));
    }

    void write(Sketch sketch, float slack, Workers workers) {
        int most = graph.layout.links(level);
        Diversity[] diversity = new Diversity[workers.threads()];
        Arrays.setAll(diversity, _ -> new Diversity(sketch, slack, 0, most));
        workers.each((rows + PIECE - 1) / PIECE, (piece, worker) -> {
            for (int row = piece * PIECE; row < Math.min(rows, (piece + 1) * PIECE); row++) {
                write(row, most, diversity[worker]);
            }
        });
    }

    private void write(int row, int most, Diversity diversity) {
        int back = starts[row + 1] - starts[row];
        long[] candidates = new long[lists.width() + back];
        int own = own(row, candidates);
        System.arraycopy(incoming, starts[row], candidates, own, back);
        Nearest.sort(candidates, own + back);
        int count = diversity.choose(candidates, own + back, most);
        int[] links = new int[count];
        for (int k = 0; k < count; k++) {
            links[k] = nodes[Nearest.node(diversity.chosen()[k])];
        }
        graph.setLinks(nodes[row], level, links, count);
    }
}
