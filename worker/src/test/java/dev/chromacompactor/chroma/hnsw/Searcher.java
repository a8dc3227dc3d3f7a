package dev.chromacompactor.chroma.hnsw;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.NullUnmarked;

/** Searches an index as hnswlib does in the reader's process: greedily down to level 0, there with a beam of {@code ef}. */
@NullUnmarked
final class Searcher {
    private final HnswIndex index;
    private final Layout layout;
    private final Map<Integer, String> ids = new HashMap<>();
    private final float[][] vectors;

    private record Hit(int node, double distance) {}

    Searcher(HnswIndex index) {
        this.index = index;
        this.layout = index.header().layout();
        index.ids().forEach(id -> ids.put(index.node(id), id));
        this.vectors = new float[index.header().nodes()][];
        for (int node = 0; node < vectors.length; node++) {
            vectors[node] = new float[layout.dimension()];
            for (int i = 0; i < layout.dimension(); i++) {
                vectors[node][i] = index.data().get(Layout.FLOAT, layout.vector(node) + 4L * i);
            }
        }
    }

    List<String> search(float[] query, int k, int ef) {
        int nearest = index.header().entryPoint();
        for (int level = index.header().maxLevel(); level > 0; level--) {
            nearest = descend(query, nearest, level);
        }
        PriorityQueue<Hit> found = beam(query, nearest, ef);
        while (found.size() > k) {
            found.poll();
        }
        List<String> hits = new ArrayList<>();
        while (!found.isEmpty()) {
            hits.addFirst(ids.get(found.poll().node()));
        }
        return hits;
    }

    /** The share of the k nearest that searches find, over all queries; equally near ones count as well. */
    double recall(Collection<float[]> queries, int k, int ef) {
        int hits = 0;
        int due = 0;
        for (float[] query : queries) {
            double[] distances = ids.keySet().stream()
                    .mapToDouble(node -> distance(query, node))
                    .sorted()
                    .limit(k)
                    .toArray();
            double limit = distances[distances.length - 1] + 1e-6;
            for (String id : search(query, k, ef)) {
                hits += distance(query, index.node(id)) <= limit ? 1 : 0;
            }
            due += distances.length;
        }
        return (double) hits / due;
    }

    private int descend(float[] query, int from, int level) {
        int nearest = from;
        for (boolean moved = true; moved; ) {
            moved = false;
            int[] links = index.upper()[nearest];
            int start = (level - 1) * layout.upperInts();
            for (int k = 1; k <= links[start]; k++) {
                if (distance(query, links[start + k]) < distance(query, nearest)) {
                    nearest = links[start + k];
                    moved = true;
                }
            }
        }
        return nearest;
    }

    private PriorityQueue<Hit> beam(float[] query, int from, int ef) {
        Comparator<Hit> near = Comparator.comparingDouble(Hit::distance);
        PriorityQueue<Hit> open = new PriorityQueue<>(near);
        PriorityQueue<Hit> found = new PriorityQueue<>(near.reversed());
        BitSet visited = new BitSet();
        double bound = Double.POSITIVE_INFINITY;
        for (List<Integer> next = List.of(from); ; next = links(open.poll().node())) {
            for (int node : next) {
                if (visited.get(node)) {
                    continue;
                }
                visited.set(node);
                double distance = distance(query, node);
                if (found.size() < ef || distance < bound) {
                    open.add(new Hit(node, distance));
                    if (ids.containsKey(node)) {
                        found.add(new Hit(node, distance));
                    }
                    if (found.size() > ef) {
                        found.poll();
                    }
                    bound = found.isEmpty()
                            ? Double.POSITIVE_INFINITY
                            : found.peek().distance();
                }
            }
            if (open.isEmpty() || (open.peek().distance() > bound && found.size() == ef)) {
                return found;
            }
        }
    }

    private List<Integer> links(int node) {
        List<Integer> links = new ArrayList<>();
        int count = index.data().get(Layout.INT, layout.node(node)) & Layout.COUNT_MASK;
        for (int k = 0; k < count; k++) {
            links.add(index.data().get(Layout.INT, layout.node(node) + 4 + 4L * k));
        }
        return links;
    }

    private double distance(float[] query, int node) {
        return Vectors.distance(index.space(), query, vectors[node]);
    }
}
