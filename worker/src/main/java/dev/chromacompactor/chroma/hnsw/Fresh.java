package dev.chromacompactor.chroma.hnsw;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * A graph from nothing. Many nodes are linked as a batch; few, for which that costs more, by insertion one after the other. Of equal
 * vectors the first stands for all: were it the one of the highest level, searches would start among them.
 */
final class Fresh {
    /** Vectors that one thread writes before it looks for more. */
    private static final int PIECE = 64;

    private final Graph graph;
    private final int ef;
    private final Tuning tuning;
    private final Path folder;

    /**
     * How to build, which changes what is built only within what tests of recall allow; the number of threads changes nothing.
     *
     * @param threads to use
     * @param batchFrom different vectors from which on a batch is cheaper than insertion
     * @param leavesFrom different vectors from which on not all pairs of them are compared
     * @param growFrom nodes put into a base from which on the same is true of {@link Growth}
     * @param sidecarFrom nodes of a new graph from which on it gets a {@link Sidecar} at once, not when it first grows
     */
    record Tuning(int threads, int batchFrom, int leavesFrom, int growFrom, int sidecarFrom) {
        Tuning(int threads, int batchFrom, int leavesFrom) {
            this(threads, batchFrom, leavesFrom, 200, 20_000);
        }

        static Tuning standard() {
            return new Tuning(Runtime.getRuntime().availableProcessors(), 1200, 50_000);
        }
    }

    /** @param folder of the graph */
    Fresh(Graph graph, int ef, Tuning tuning, Path folder) {
        this.graph = graph;
        this.ef = ef;
        this.tuning = tuning;
        this.folder = folder;
    }

    void build(Newcomers newcomers) throws IOException {
        append(graph, newcomers, new Workers(tuning.threads()));
        Twins twins = new Twins(graph, newcomers.size());
        int[] different = IntStream.range(0, graph.nodes())
                .filter(node -> !twins.add(node))
                .toArray();
        var insertion = new Insertion(graph, twins, ef);
        if (different.length < tuning.batchFrom() || !batch(newcomers.byLevel(different), newcomers, twins)) {
            for (int node : different) {
                Workers.requireNotInterrupted();
                insertion.insert(node, newcomers.level(node));
            }
        }
        for (int node = 0; node < graph.nodes(); node++) {
            insertion.hang(node);
        }
        for (int node = 0; node < graph.nodes(); node++) {
            insertion.finish(node);
        }
        new Reach(graph, insertion).repair();
    }

    /** Appends nodes with their vectors, in this order, without links. */
    static void append(Graph graph, Newcomers newcomers, Workers workers) {
        int first = graph.nodes();
        for (int k = 0; k < newcomers.size(); k++) {
            graph.append(newcomers.label(k));
        }
        workers.each((newcomers.size() + PIECE - 1) / PIECE, (piece, _) -> {
            for (int k = piece * PIECE; k < Math.min((piece + 1) * PIECE, newcomers.size()); k++) {
                graph.lengths[first + k] = newcomers.write(k, graph.vector(first + k));
            }
        });
    }

    /** @param nodes with different vectors, those of the highest level first */
    private boolean batch(int[] nodes, Newcomers newcomers, Twins twins) throws IOException {
        for (int node : nodes) {
            graph.raise(node, newcomers.level(node));
        }
        try (var arena = new ScratchArena(folder)) {
            var build = new BatchBuild(graph, nodes, ef, tuning, arena);
            if (!build.run()) {
                return false;
            }
            if (graph.nodes() >= tuning.sidecarFrom()) {
                sidecar(build, twins, arena);
            }
        }
        graph.enterAt(nodes[0]);
        return true;
    }

    /** A large graph gets its sidecar while its vectors, and what was found out of them, are at hand. */
    private void sidecar(BatchBuild build, Twins twins, Arena arena) throws IOException {
        Sidecar made = build.sidecar(new SidecarMaker(graph, new Workers(tuning.threads()), arena), folder, twins);
        if (made == null) {
            Files.deleteIfExists(folder.resolve(Sidecar.SKETCH));
        } else {
            made.write(folder, graph.nodes());
        }
    }
}
