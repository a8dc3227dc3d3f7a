package dev.chromacompactor.chroma;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All that is known of one record, as a set of registers that joins with any other such set in any order.
 *
 * <p>Per register the later write wins. A delete covers every register that was written before it; registers of its own
 * stamp survive it (deleted and added anew by one delta). What is covered is dropped at once: it can never come back,
 * since the delete stays. The record exists while its vector is there.
 *
 * @param vector null if there is none, or none any more
 * @param keys by metadata key; the document is the key {@value #DOCUMENT}, as in Chroma
 * @param deleted the latest delete, {@link Register#OLDEST} if there was none
 */
record Registers(
        @Nullable Register<Supplier<float[]>> vector, Map<String, Register<MetadataValue>> keys, Stamp deleted) {
    static final String DOCUMENT = "chroma:document";
    static final Registers NONE = new Registers(null, Map.of(), Register.OLDEST);

    /**
     * What a delta says of an id. A NaN counts as a removed key: that is what Chroma makes of it, since neither its JSON
     * nor SQLite can hold one.
     */
    static Registers of(Entry entry, Stamp stamp) {
        var keys = new HashMap<String, Register<MetadataValue>>();
        entry.removedKeys().forEach(key -> keys.put(key, new Register<>(stamp, null)));
        var live = entry.live();
        if (live != null) {
            live.metadata().forEach((key, value) -> keys.put(key, new Register<>(stamp, isNaN(value) ? null : value)));
            if (live.document() != null) {
                keys.put(DOCUMENT, new Register<>(stamp, new MetadataValue.Text(live.document())));
            }
        }
        return new Registers(
                live == null ? null : new Register<>(stamp, live::vector),
                keys,
                entry.deleted() ? stamp : Register.OLDEST);
    }

    boolean exists() {
        return vector != null;
    }

    boolean isEmpty() {
        return vector == null && keys.isEmpty() && deleted.equals(Register.OLDEST);
    }

    /** Whether the record reads differently, or was written again; removed keys and deletes alone do not show. */
    boolean differs(Registers other) {
        return !Objects.equals(vector, other.vector) || !values().equals(other.values());
    }

    /** The record as Chroma would return it, if there is one. */
    Optional<Entry.Live> live() {
        if (vector == null || vector.value() == null) {
            return Optional.empty();
        }
        var metadata = new HashMap<String, MetadataValue>();
        values().forEach((key, register) -> metadata.put(key, Objects.requireNonNull(register.value())));
        var document = metadata.remove(DOCUMENT) instanceof MetadataValue.Text(String text) ? text : null;
        return Optional.of(new Entry.Live(vector.value().get(), document, metadata));
    }

    /** The keys that are there. */
    Map<String, Register<MetadataValue>> values() {
        var values = new HashMap<>(keys);
        values.values().removeIf(Register::removed);
        return values;
    }

    Registers join(Registers other) {
        var delete = deleted.compareTo(other.deleted) >= 0 ? deleted : other.deleted;
        var joined = new HashMap<>(keys);
        other.keys.forEach((key, register) ->
                joined.merge(key, register, (a, b) -> b.stamp().compareTo(a.stamp()) > 0 ? b : a));
        return new Registers(Register.later(vector, other.vector), joined, delete)
                .without(stamp -> stamp.compareTo(delete) < 0);
    }

    /** Without the registers of these stamps, its delete included. */
    Registers refusing(Predicate<Stamp> refused) {
        var rest = without(refused);
        return refused.test(deleted) ? new Registers(rest.vector, rest.keys, Register.OLDEST) : rest;
    }

    private Registers without(Predicate<Stamp> gone) {
        var kept = new HashMap<>(keys);
        kept.values().removeIf(register -> gone.test(register.stamp()));
        return new Registers(vector == null || gone.test(vector.stamp()) ? null : vector, kept, deleted);
    }

    private static boolean isNaN(MetadataValue value) {
        return value instanceof MetadataValue.Real(double real) && Double.isNaN(real);
    }
}
