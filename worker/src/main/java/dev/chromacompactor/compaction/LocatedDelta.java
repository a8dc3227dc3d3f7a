package dev.chromacompactor.compaction;

import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Instant;
import java.util.List;

/**
 * A delta as it lies in the bucket now.
 *
 * @param bucket where
 * @param key the prefix with its trailing slash, or the key of an archive, as the message names it
 * @param identity what changes when the content changes: the ETag of an archive, else a digest of names, ETags and sizes
 * @param main {@code chroma.sqlite3}, or the archive
 * @param archive whether {@code files} is one archive
 * @param files the objects to fetch; names below {@code key} for a directory
 */
public record LocatedDelta(
        String bucket, String key, String identity, ObjectInfo main, boolean archive, List<ObjectInfo> files) {
    public LocatedDelta {
        files = List.copyOf(files);
    }

    public Instant lastModified() {
        return main.lastModified();
    }

    public long bytes() {
        return files.stream().mapToLong(ObjectInfo::size).sum();
    }
}
