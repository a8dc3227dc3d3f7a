package dev.chromacompactor.question;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.chromacompactor.snapshot.ChunkName;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where a delta is: in the live version, or on which way, or why not.
 *
 * @param delta its key, a prefix with a trailing slash
 * @param identity what changes when its content changes: the ETag of an archive, else a SHA-256 over the sorted (name,
 *     ETag, size) of its files; null if nothing lies there
 * @param reason the stable name of what failed, if something did
 * @param because in words
 * @param advice what to do now, with the exact command if there is one
 * @param version inside or replaced: the one that took it in; rolled back: the one that took it out, as far as manifests
 *     still tell
 * @param chunk that brought it, or should
 */
public record DeltaAnswer(
        String delta,
        String database,
        @Nullable String identity,
        State state,
        @Nullable String reason,
        String because,
        @JsonProperty("do") String advice,
        @Nullable String version,
        @Nullable ChunkName chunk) {

    /** Spelt in lower case with hyphens, and never renamed. */
    public enum State {
        /** As it lies there now; or, if it was deleted since, as it was. */
        INSIDE,
        /** Inside with another content: it was written again since. */
        REPLACED,
        /** Taken out by a rollback. */
        ROLLED_BACK,
        /** Its chunk failed, or was refused, or the delta itself was. */
        EXCUSED,
        /** In a batch that is not closed. */
        WAITING,
        /** Older than what manifests remember. */
        BEFORE_HORIZON,
        /** Older than the live version, which another writer made. */
        BEFORE_FOREIGN_SNAPSHOT,
        /** There, but nobody asked for it. */
        UNKNOWN,
        /** Nothing lies there, and nobody has heard of it. */
        NOT_THERE;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
