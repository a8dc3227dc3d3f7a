package dev.chromacompactor.chroma.hnsw;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A graph that there was, with more nodes. Few are inserted one after the other, many at once (see {@link Growth}), for which a
 * {@link Sidecar} is made if there is none. With a sidecar only those old vectors are read that searches come across, or that may equal a
 * new one; without, all are, to find equal ones.
 */
final class Extension {
    /** Of all nodes, as a fraction 1 / this: twins that lead nowhere else. hnswlib makes such; searches end among them. */
    private static final int LONELY_SHARE = 100;

    /** A graph that has become so many times larger gets another sidecar. */
    private static final long OUTGROWN = 2;

    private final Graph graph;
    private final int ef;
    private final Fresh.Tuning tuning;
    private final Path folder;
    private final @Nullable Path known;

    /**
     * @param folder of the graph
     * @param known where its nodes come from, if they are known to be reachable, and their sidecar to be ours, which is moved here
     */
    Extension(Graph graph, int ef, Fresh.Tuning tuning, Path folder, @Nullable Path known) {
        this.graph = graph;
        this.ef = ef;
        this.tuning = tuning;
        this.folder = folder;
        this.known = known;
    }

    /** Returns false if the graph turned out to be one to build anew. */
    boolean add(Newcomers newcomers) throws IOException {
        int first = graph.nodes();
        int nodes = first + newcomers.size();
        if (newcomers.size() >= tuning.growFrom()) {
            Kernels.warm();
        }
        try (Arena arena = Arena.ofShared()) {
            var maker = new SidecarMaker(graph, new Workers(tuning.threads()), arena);
            Sidecar sidecar = sidecar(maker, newcomers.size(), nodes, arena);
            Twins twins = new Twins(graph, nodes, sidecar == null ? null : sidecar.hashes);
            Insertion insertion = new Insertion(graph, twins, nodes, ef);
            if (insertion.lonelyTwins() > nodes / LONELY_SHARE) {
                return false;
            }
            if (known == null) {
                // Searches find what can be reached.
                new Reach(graph, insertion).repair();
            }
            Newcomers ordered = newcomers.byLevel();
            Fresh.append(graph, ordered, new Workers(tuning.threads()));
            if (sidecar != null) {
                maker.add(sidecar, first, nodes);
            }
            for (int node = first; node < nodes; node++) {
                twins.add(node);
            }
            if (sidecar == null || newcomers.size() < tuning.growFrom() || !maker.tells(sidecar, first, nodes, first)) {
                insert(ordered, first, twins, insertion);
            } else {
                grow(ordered, first, twins, sidecar, maker, arena);
            }
            for (int node = first; node < nodes; node++) {
                insertion.hang(node);
            }
            for (int node = first; node < nodes; node++) {
                insertion.finish(node);
            }
            new Reach(graph, insertion).repair();
            if (sidecar != null) {
                sidecar.write(folder, nodes);
            }
            return true;
        }
    }

    private @Nullable Sidecar sidecar(SidecarMaker maker, int more, int nodes, Arena arena) throws IOException {
        Sidecar taken = known == null ? null : Sidecar.take(known, folder, graph, nodes, arena);
        if (taken != null && nodes <= OUTGROWN * taken.madeAt) {
            return taken;
        }
        Sidecar made = taken != null || more >= tuning.growFrom() ? maker.make(folder, nodes) : null;
        if (made == null) {
            Files.deleteIfExists(folder.resolve(Sidecar.SKETCH));
        }
        return made;
    }

    private void insert(Newcomers newcomers, int first, Twins twins, Insertion insertion) {
        for (int k = 0; k < newcomers.size(); k++) {
            Workers.requireNotInterrupted();
            if (twins.standIn(first + k) == first + k) {
                insertion.insert(first + k, newcomers.level(k));
            }
        }
    }

    private void grow(Newcomers newcomers, int first, Twins twins, Sidecar sidecar, SidecarMaker maker, Arena arena) {
        int[] linked = new int[newcomers.size()];
        int count = 0;
        for (int k = 0; k < linked.length; k++) {
            if (twins.standIn(first + k) == first + k) {
                graph.raise(first + k, newcomers.level(k));
                linked[count++] = first + k;
            }
        }
        if (count > 0) {
            var workers = new Workers(tuning.threads());
            int[] nodes = Arrays.copyOf(linked, count);
            new Growth(graph, twins, sidecar, maker, first, nodes, ef, workers, arena).run();
        }
    }
}
