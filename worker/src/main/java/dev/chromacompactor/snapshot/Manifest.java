package dev.chromacompactor.snapshot;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code manifest.json}, the last file of a version to be written: what lies in it, what it is made of, and what it
 * was built on. Immutable once it is there.
 *
 * @param format of this file, {@value #FORMAT}; any other is refused, never guessed at
 * @param version names the version it lies in; anywhere else it does not count
 * @param seq {@code base.seq + 1}; a base that is not ours, or none, counts as 0
 * @param base the version it was built on, ours or not; null for the first
 * @param reverts the version whose content this is, if a rollback made it
 * @param timings milliseconds by step
 * @param build the worker that made it
 */
public record Manifest(
        int format,
        String database,
        String version,
        long seq,
        @Nullable String base,
        @Nullable String reverts,
        Contents contents,
        Lineage lineage,
        Map<String, Long> timings,
        String build) {
    public static final int FORMAT = 1;
    public static final String FILE = "manifest.json";

    public Manifest {
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(version, "version");
        Objects.requireNonNull(contents, "contents");
        Objects.requireNonNull(lineage, "lineage");
        timings = Map.copyOf(Objects.requireNonNullElse(timings, Map.of()));
        build = Objects.requireNonNullElse(build, "unknown");
    }

    /**
     * What lies in the version.
     *
     * @param files every file but the manifest
     * @param records in all collections together
     * @param recordDigest over all live records, independent of their order
     * @param ledger of the merge that made it; null for a copy
     * @param level newest migration of each kind in {@code chroma.sqlite3}; null if it is not known
     */
    public record Contents(
            List<StoredFile> files,
            List<Collection> collections,
            long records,
            @Nullable String recordDigest,
            @Nullable Ledger ledger,
            @Nullable Level level) {
        public Contents {
            files = List.copyOf(Objects.requireNonNullElse(files, List.of()));
            collections = List.copyOf(Objects.requireNonNullElse(collections, List.of()));
        }

        /** The same in a version that no merge made. */
        public Contents copied() {
            return new Contents(files, collections, records, recordDigest, null, level);
        }
    }

    /**
     * @param name relative to the version, with forward slashes
     * @param sha256 lower-case hex
     */
    public record StoredFile(String name, long size, String sha256) {
        public StoredFile {
            Objects.requireNonNull(sha256, "sha256");
            if (name.isEmpty()
                    || name.startsWith("/")
                    || List.of(name.split("/")).contains("..")) {
                throw new IllegalArgumentException("file name leaves the version: " + name);
            }
        }
    }

    /**
     * @param dimension null as long as it never held a record
     * @param space Chroma's name: {@code l2}, {@code ip}, {@code cosine}
     */
    public record Collection(
            String name, String id, long count, @Nullable Integer dimension, String space) {
        public Collection {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(space, "space");
        }
    }

    /** The newest migration of each kind in {@code chroma.sqlite3}. */
    public record Level(int sysdb, int metadb, int queue) {
        /** Whether a metadata value may be a list. */
        public boolean listsAllowed() {
            return metadb >= 6;
        }
    }

    /** Chunks this very version took in. */
    public List<ChunkName> taken() {
        return lineage.chunks().stream()
                .filter(chunk -> chunk.since().equals(version))
                .map(Lineage.Chunk::name)
                .toList();
    }

    byte[] bytes() {
        return Json.write(this);
    }

    /**
     * The manifest of {@code version} in {@code body}; empty if it names another version: the predecessor repacks what
     * it downloads, our old manifest included.
     */
    static Optional<Manifest> of(String version, byte[] body, String key) {
        JsonNode tree = Json.tree(body, key);
        if (!tree.path("version").asText("").equals(version)) {
            return Optional.empty();
        }
        if (tree.path("format").asInt(-1) != FORMAT) {
            throw new FailureException(
                    Blame.INVARIANT,
                    "manifest-format-unknown",
                    "read " + key + ": format " + tree.path("format") + ", this build knows " + FORMAT);
        }
        return Optional.of(Json.read(body, Manifest.class, key));
    }
}
