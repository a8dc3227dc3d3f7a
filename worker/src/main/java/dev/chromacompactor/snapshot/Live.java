package dev.chromacompactor.snapshot;

/** What the pointer names. */
public sealed interface Live {
    /** Nothing was ever published: no pointer, and no version that speaks against that. */
    record None() implements Live {}

    /** A version of ours. {@code pointerEtag} is what the next pointer write must match. */
    record Ours(String version, String pointerEtag, Manifest manifest) implements Live {}

    /**
     * A version that another kind of writer made: its records are unstamped, its lineage is unknown.
     *
     * @param key the version's prefix with a trailing slash, or the key of its {@code snapshot.tar.gz}
     */
    record Foreign(String version, String pointerEtag, String key) implements Live {}

    /** The sequence number to count on from: 0 without a version of ours. */
    default long seq() {
        return this instanceof Ours ours ? ours.manifest().seq() : 0;
    }

    /** What is inside; empty without a version of ours. */
    default Lineage lineage() {
        return this instanceof Ours ours ? ours.manifest().lineage() : Lineage.EMPTY;
    }
}
