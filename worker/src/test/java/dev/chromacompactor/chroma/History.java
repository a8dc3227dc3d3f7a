package dev.chromacompactor.chroma;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Random deltas about a handful of ids, and what one Chroma holds after all of them in stamp order. */
final class History {
    static final int DIMENSION = 3;
    private static final List<String> KEYS = List.of("a", "b", "c");

    /** @param entries by collection */
    record Written(Stamp stamp, Map<String, List<Entry>> entries) {
        List<Entry> of(String collection) {
            return entries.getOrDefault(collection, List.of());
        }
    }

    final List<Written> deltas = new ArrayList<>();
    final boolean lists;

    History(Random random, List<String> collections, boolean lists) {
        this.lists = lists;
        int count = 1 + random.nextInt(6);
        for (int i = 0; i < count; i++) {
            var stamp = new Stamp(1_000 + random.nextInt(4), random.nextInt(3), "delta-" + i);
            var entries = new TreeMap<String, List<Entry>>();
            for (String collection : collections) {
                entries.put(collection, entries(random));
            }
            deltas.add(new Written(stamp, entries));
        }
    }

    private List<Entry> entries(Random random) {
        var entries = new ArrayList<Entry>();
        for (int i = 0; i < 5; i++) {
            switch (random.nextInt(6)) {
                case 0 -> {}
                case 1 -> entries.add(new Entry("id" + i, null, new HashSet<>(), true));
                default -> entries.add(live(random, "id" + i));
            }
        }
        return entries;
    }

    private Entry live(Random random, String id) {
        var metadata = new TreeMap<String, MetadataValue>();
        var removed = new HashSet<String>();
        for (String key : KEYS) {
            switch (random.nextInt(4)) {
                case 0 -> removed.add(key);
                case 1 -> {}
                default -> metadata.put(key, value(random));
            }
        }
        var vector = new float[DIMENSION];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = random.nextFloat();
        }
        var document = random.nextInt(3) == 0 ? null : "text number " + random.nextInt(5);
        return new Entry(id, new Entry.Live(vector, document, metadata), removed, random.nextInt(4) == 0);
    }

    private MetadataValue value(Random random) {
        return switch (random.nextInt(lists ? 5 : 4)) {
            case 0 -> new MetadataValue.Text("t" + random.nextInt(4));
            case 1 -> new MetadataValue.Whole(random.nextInt(4));
            case 2 -> new MetadataValue.Real(random.nextInt(4) / 3.0);
            case 3 -> new MetadataValue.Flag(random.nextBoolean());
            default -> new MetadataValue.Many(List.of(new MetadataValue.Whole(random.nextInt(3))));
        };
    }

    /** One Chroma, told everything in order: collection, then id. */
    Map<String, Map<String, Entry.Live>> inOrder(Consumer<Written> seen) {
        var all = new TreeMap<String, Map<String, Entry.Live>>();
        var sorted = new ArrayList<>(deltas);
        sorted.sort(Comparator.comparing(Written::stamp));
        for (Written delta : sorted) {
            seen.accept(delta);
            delta.entries.forEach((collection, entries) ->
                    entries.forEach(entry -> upsert(all.computeIfAbsent(collection, name -> new TreeMap<>()), entry)));
        }
        return all;
    }

    private static void upsert(Map<String, Entry.Live> records, Entry entry) {
        if (entry.deleted()) {
            records.remove(entry.id());
        }
        if (entry.live() == null) {
            return;
        }
        var old = records.get(entry.id());
        var metadata = new TreeMap<String, MetadataValue>();
        if (old != null) {
            metadata.putAll(old.metadata());
        }
        metadata.keySet().removeAll(entry.removedKeys());
        metadata.putAll(entry.live().metadata());
        var document = entry.live().document();
        if (document == null && old != null) {
            document = old.document();
        }
        records.put(entry.id(), new Entry.Live(entry.live().vector(), document, metadata));
    }

    String digest() {
        var digest = new RecordDigest();
        inOrder(delta -> {})
                .forEach((collection, records) -> records.forEach((id, live) -> digest.add(collection, id, live)));
        return digest.value();
    }
}
