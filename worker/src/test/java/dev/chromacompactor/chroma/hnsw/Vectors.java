package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Space;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;

/** Vectors to test with, and what is nearest among them by looking at each. */
@NullUnmarked
final class Vectors {
    private Vectors() {}

    /** Gaussian clusters of about 50, wide enough to touch each other. */
    static Map<String, float[]> clustered(String prefix, int count, int dimension, long seed) {
        Random random = new Random(seed);
        float[][] centres = new float[Math.max(1, count / 50)][];
        Arrays.setAll(centres, _ -> noise(random, dimension));
        Map<String, float[]> vectors = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            float[] centre = centres[random.nextInt(centres.length)];
            float[] vector = noise(random, dimension);
            for (int j = 0; j < dimension; j++) {
                vector[j] = centre[j] + 0.6f * vector[j];
            }
            vectors.put(prefix + i, vector);
        }
        return vectors;
    }

    static Map<String, float[]> isotropic(String prefix, int count, int dimension, long seed) {
        Random random = new Random(seed);
        Map<String, float[]> vectors = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            vectors.put(prefix + i, noise(random, dimension));
        }
        return vectors;
    }

    static Map<String, float[]> copies(String prefix, int count, float[] vector) {
        Map<String, float[]> vectors = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            vectors.put(prefix + i, vector);
        }
        return vectors;
    }

    static float[] noise(Random random, int dimension) {
        float[] vector = new float[dimension];
        for (int i = 0; i < dimension; i++) {
            vector[i] = (float) random.nextGaussian();
        }
        return vector;
    }

    static VectorSource source(Map<String, float[]> vectors) {
        List<String> ids = new ArrayList<>(vectors.keySet());
        return new VectorSource() {
            @Override
            public int count() {
                return ids.size();
            }

            @Override
            public String id(int i) {
                return ids.get(i);
            }

            @Override
            public void read(int i, MemorySegment into) {
                float[] vector = vectors.get(ids.get(i));
                MemorySegment.copy(vector, 0, into, Layout.FLOAT, 0, vector.length);
            }
        };
    }

    static double distance(Space space, float[] a, float[] b) {
        double dot = 0;
        double squares = 0;
        double lengthA = 0;
        double lengthB = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            double difference = (double) a[i] - b[i];
            squares += difference * difference;
            lengthA += (double) a[i] * a[i];
            lengthB += (double) b[i] * b[i];
        }
        return switch (space) {
            case L2 -> squares;
            case IP -> 1 - dot;
            case COSINE -> lengthA * lengthB == 0 ? 1 : 1 - dot / Math.sqrt(lengthA * lengthB);
        };
    }

    /** Points between two vectors each, which are harder to find neighbours of than the vectors themselves. */
    static List<float[]> queries(Collection<float[]> vectors, int count, long seed) {
        List<float[]> all = List.copyOf(vectors);
        Random random = new Random(seed);
        List<float[]> queries = new ArrayList<>();
        for (int q = 0; q < count; q++) {
            float[] a = all.get(random.nextInt(all.size()));
            float[] b = all.get(random.nextInt(all.size()));
            float[] query = new float[a.length];
            for (int i = 0; i < a.length; i++) {
                query[i] = (a[i] + b[i]) / 2 + 0.01f;
            }
            queries.add(query);
        }
        return queries;
    }
}
