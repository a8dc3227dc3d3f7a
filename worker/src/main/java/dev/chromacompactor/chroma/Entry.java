package dev.chromacompactor.chroma;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one delta says about one id: its final record, if there is one, and what is known to be gone.
 *
 * @param live the record as Chroma would return it, or null if the delta holds none
 * @param removedKeys metadata keys that a null in the WAL removed and that are not there now
 * @param deleted whether a delete of this id is still in the WAL, also when it was added anew since
 */
public record Entry(String id, @Nullable Live live, Set<String> removedKeys, boolean deleted) {
    /**
     * A record that exists.
     *
     * @param vector as the producer gave it (cosine: not normalised, up to the rounding of the index)
     * @param document null if it has none
     * @param metadata by key, without the document; possibly empty
     */
    public record Live(float[] vector, @Nullable String document, Map<String, MetadataValue> metadata) {}
}
