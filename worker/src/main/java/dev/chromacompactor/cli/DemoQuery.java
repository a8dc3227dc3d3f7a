package dev.chromacompactor.cli;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/** The records of a snapshot that lie nearest to a vector, found by looking at all of them. */
final class DemoQuery {
    /** @param distance squared Euclidean */
    record Hit(String id, String document, double distance) {}

    private final List<Entry> records = new ArrayList<>();

    DemoQuery(Path directory) {
        try (ChromaDatabase database = ChromaDatabase.open(directory)) {
            database.collections()
                    .forEach(collection -> database.entries(collection, entry -> {
                        if (entry.live() != null) {
                            records.add(entry);
                        }
                    }));
        }
    }

    List<Hit> nearest(float[] vector, int count) {
        return records.stream()
                .map(entry -> hit(entry, vector))
                .sorted(Comparator.comparingDouble(Hit::distance).thenComparing(Hit::id))
                .limit(count)
                .toList();
    }

    private static Hit hit(Entry entry, float[] vector) {
        Entry.Live live = Objects.requireNonNull(entry.live());
        double sum = 0;
        for (int i = 0; i < vector.length; i++) {
            double difference = vector[i] - live.vector()[i];
            sum += difference * difference;
        }
        return new Hit(entry.id(), Objects.requireNonNullElse(live.document(), ""), sum);
    }
}
