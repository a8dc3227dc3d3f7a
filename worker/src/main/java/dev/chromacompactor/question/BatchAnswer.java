package dev.chromacompactor.question;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.snapshot.ChunkName;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Why a batch is not published, or that it is: the first condition of a publish that it does not meet.
 *
 * @param database null if nothing says which
 * @param reason the stable name of what failed, if something did
 * @param because in words
 * @param advice what to do now, with the exact command if there is one
 * @param policy null without a plan
 * @param openSince when its marker was written, by the store's clock; null without one
 * @param version the last version that took something of it in
 * @param chunks parts of its plan
 * @param inside of these, how many are in the live version, or held nothing
 * @param outside the others, and deltas that are missing from a chunk that is inside
 */
public record BatchAnswer(
        String batchId,
        @Nullable String database,
        State state,
        @Nullable String reason,
        String because,
        @JsonProperty("do") String advice,
        @Nullable Policy policy,
        @Nullable Instant openSince,
        @Nullable String version,
        int chunks,
        int inside,
        List<Outside> outside) {
    public BatchAnswer {
        outside = List.copyOf(outside);
    }

    /** Spelt in lower case with hyphens, and never renamed. */
    public enum State {
        /** Nothing in the bucket bears that id. */
        UNKNOWN(true),
        /** Its producer wrote the plan and got no further. */
        NOT_SENT(false),
        /** Chunks, but nothing that says which ones belong to it. */
        NO_PLAN(false),
        /** The bucket contradicts itself: nothing is published until somebody has looked. */
        PUBLISHING_HALTED(true),
        /** An operator wants it so. */
        PAUSED(false),
        /** Some chunks have neither result nor failure. */
        WAITING_FOR_CHUNKS(false),
        /** A chunk failed, and the policy is to publish all or nothing. */
        ON_HOLD(true),
        /** On its way: nothing is missing, a publish will take it. */
        READY(false),
        /** Folded, but it does not fit to the snapshot; nothing of it is inside. */
        REFUSED_AT_PUBLISH(true),
        /** Taken out by a rollback. */
        ROLLED_BACK(true),
        /** Every chunk failed. */
        ALL_FAILED(true),
        /** Too old to be merged when its turn came. */
        EXPIRED(true),
        /** Inside, but for what is excused. */
        PARTLY_INSIDE(true),
        /** Its chunks held nothing. */
        EMPTY(true),
        /** Published so long ago that manifests do not list it any more. */
        INSIDE_BEFORE_HORIZON(true),
        /** All of it. */
        INSIDE(true);

        private final boolean over;

        State(boolean over) {
            this.over = over;
        }

        /** Whether nothing more is to come by itself. */
        public boolean over() {
            return over;
        }

        /** Whether all there was to publish is published. */
        public boolean published() {
            return this == INSIDE || this == EMPTY || this == INSIDE_BEFORE_HORIZON;
        }

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** What stands between a part of a batch and the snapshot. */
    public enum Obstacle {
        /** No result yet. */
        MISSING,
        FAILED,
        /** Nothing: it waits to be taken. */
        FOLDED,
        REFUSED,
        ROLLED_BACK;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * @param delta the one that is meant; null: the whole chunk
     * @param reason stable name; null if it is missing or folded, so that nothing is wrong with it
     * @param since the version that excused it first or, if rolled back, that had taken it in; null if none has
     */
    public record Outside(
            ChunkName chunk,
            @Nullable String delta,
            Obstacle obstacle,
            @Nullable String reason,
            String message,
            @Nullable String since) {}
}
