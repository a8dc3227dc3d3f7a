package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RegistersTest {
    private static final String ID = "id0";

    @Test
    void any_order_grouping_and_repetition_gives_what_one_chroma_holds_after_all_in_order() {
        for (int seed = 0; seed < 3_000; seed++) {
            var random = new Random(seed);
            var history = new History(random, List.of("words"), true);
            var expected = history.inOrder(delta -> {}).getOrDefault("words", Map.of());
            var parts = new ArrayList<Registers>();
            for (var delta : history.deltas) {
                for (Entry entry : delta.of("words")) {
                    if (entry.id().equals(ID)) {
                        parts.add(Registers.of(entry, delta.stamp()));
                        if (random.nextInt(3) == 0) {
                            parts.add(Registers.of(entry, delta.stamp()));
                        }
                    }
                }
            }
            Collections.shuffle(parts, random);
            // A random tree of joins.
            while (parts.size() > 1) {
                var one = parts.remove(random.nextInt(parts.size()));
                int other = random.nextInt(parts.size());
                parts.set(other, one.join(parts.get(other)));
            }
            var joined = parts.isEmpty() ? Registers.NONE : parts.getFirst();
            assertThat(read(joined)).as("seed %d", seed).isEqualTo(read(expected.get(ID)));
        }
    }

    private static String read(Registers registers) {
        var vector = registers.vector();
        if (vector == null) {
            return "none";
        }
        var metadata = new TreeMap<String, MetadataValue>();
        registers.values().forEach((key, register) -> metadata.put(key, requireNonNull(register.value())));
        return List.of(requireNonNull(vector.value()).get()[0], metadata).toString();
    }

    private static String read(Entry.@Nullable Live live) {
        if (live == null) {
            return "none";
        }
        var metadata = new TreeMap<>(live.metadata());
        if (live.document() != null) {
            metadata.put(Registers.DOCUMENT, new MetadataValue.Text(live.document()));
        }
        return List.of(live.vector()[0], metadata).toString();
    }

    @Test
    void a_record_added_anew_keeps_its_delete_so_that_a_late_replay_brings_no_old_keys_back() {
        var added = of(1, Map.of("old", new MetadataValue.Whole(1)), false);
        var deleted = Registers.of(new Entry(ID, null, Set.of(), true), stamp(2));
        var anew = of(3, Map.of("new", new MetadataValue.Whole(3)), false);

        assertThat(deleted.join(anew).join(added).values()).containsOnlyKeys("new");
    }

    @Test
    void what_is_refused_leaves_the_rest_as_it_was() {
        var old = of(1, Map.of("a", new MetadataValue.Whole(1), "b", new MetadataValue.Whole(1)), true);
        var young = of(5, Map.of("b", new MetadataValue.Whole(5)), false);
        var kept = old.join(young).refusing(stamp -> stamp.millis() < 3);

        assertThat(kept.values()).containsOnlyKeys("b");
        assertThat(kept.deleted()).isEqualTo(Register.OLDEST);
        assertThat(kept.exists()).isTrue();
        assertThat(old.refusing(stamp -> stamp.millis() < 3).isEmpty()).isTrue();
    }

    @Test
    void a_nan_counts_as_a_removed_key_and_an_infinity_as_a_value() {
        var metadata = Map.<String, MetadataValue>of(
                "nan", new MetadataValue.Real(Double.NaN), "inf", new MetadataValue.Real(Double.POSITIVE_INFINITY));
        var registers = of(1, metadata, false);

        assertThat(registers.values()).containsOnlyKeys("inf");
        assertThat(registers.keys()).containsKey("nan");
    }

    private static Stamp stamp(long millis) {
        return new Stamp(millis, 0, "k");
    }

    private static Registers of(long millis, Map<String, MetadataValue> metadata, boolean deleted) {
        return Registers.of(
                new Entry(ID, new Entry.Live(new float[] {millis}, null, metadata), Set.of(), deleted), stamp(millis));
    }
}
