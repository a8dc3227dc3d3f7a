package dev.chromacompactor.chroma;

import java.util.Comparator;

/** The newest migration of each of Chroma's three migration directories; decides which Chroma versions can open a file. */
public record SchemaLevel(int sysdb, int metadb, int queue) implements Comparable<SchemaLevel> {
    private static final Comparator<SchemaLevel> ORDER = Comparator.comparingInt(SchemaLevel::metadb)
            .thenComparingInt(SchemaLevel::sysdb)
            .thenComparingInt(SchemaLevel::queue);

    /** Whether metadata values may be lists ({@code embedding_metadata_array} exists). */
    public boolean listsAllowed() {
        return metadb >= 6;
    }

    /** Higher: written by a newer Chroma. */
    @Override
    public int compareTo(SchemaLevel other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return "sysdb " + sysdb + ", metadb " + metadb + ", embeddings_queue " + queue;
    }
}
