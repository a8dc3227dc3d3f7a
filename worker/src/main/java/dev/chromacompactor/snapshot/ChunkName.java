package dev.chromacompactor.snapshot;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * What a unit of the lineage is called, for ever: {@code <batch>/<index>} for a chunk of a batch, {@code <key>@<etag>}
 * for an intermediate that belongs to no batch we know of, {@code <batch>/item-<n>} for an item of a list that named
 * no object.
 */
public record ChunkName(@JsonValue String text) implements Comparable<ChunkName> {
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public ChunkName {
        if (text.isBlank()) {
            throw new IllegalArgumentException("a chunk name is never blank");
        }
    }

    public static ChunkName of(String batch, int index) {
        return new ChunkName(batch + "/" + index);
    }

    public static ChunkName item(String batch, int position) {
        return new ChunkName(batch + "/item-" + position);
    }

    /** @param key prefix of the intermediate, with a trailing slash */
    public static ChunkName anonymous(String key, String etag) {
        return new ChunkName(key + "@" + etag);
    }

    /** Whether this is a chunk or an item of {@code batch}. */
    public boolean belongsTo(String batch) {
        return text.startsWith(batch + "/") && text.indexOf('/', batch.length() + 1) < 0;
    }

    @Override
    public int compareTo(ChunkName other) {
        return text.compareTo(other.text);
    }

    @Override
    public String toString() {
        return text;
    }
}
