package dev.chromacompactor.snapshot;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;

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

    /** The batch it is a chunk or an item of; empty for an intermediate that belongs to none. */
    public Optional<String> batch() {
        return intermediate().isPresent() || text.indexOf('/') < 0
                ? Optional.empty()
                : Optional.of(text.substring(0, text.lastIndexOf('/')));
    }

    /** The index of a chunk; empty for anything else. */
    public Optional<Integer> index() {
        String last = text.substring(text.lastIndexOf('/') + 1);
        return batch().isPresent() && last.matches("\\d{1,9}") ? Optional.of(Integer.valueOf(last)) : Optional.empty();
    }

    /** Prefix of the intermediate that belongs to no batch, with a trailing slash; empty for anything else. */
    public Optional<String> intermediate() {
        // No name of a batch has this sign in it.
        int at = text.lastIndexOf("/@");
        return at < 0 ? Optional.empty() : Optional.of(text.substring(0, at + 1));
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
