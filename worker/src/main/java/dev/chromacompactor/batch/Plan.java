package dev.chromacompactor.batch;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import dev.chromacompactor.failure.FailureException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a batch consists of, and therefore what "complete" means: {@code batches/<batch>/plan.json}, create-only.
 *
 * @param format {@value #FORMAT}
 * @param parts in the order of the producer
 * @param groups indices of the chunks that are merged together before the final merge, each in one group at most; empty:
 *     no groups
 */
public record Plan(
        int format,
        String batch,
        String database,
        Origin origin,
        Policy policy,
        List<Part> parts,
        List<List<Integer>> groups,
        @Nullable PollResults pollResults) {
    public static final int FORMAT = 1;

    /** Failed items that a message names; a list may be long. */
    private static final int MOST_SHOWN = 10;

    public Plan {
        Objects.requireNonNull(batch, "batch");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(origin, "origin");
        Objects.requireNonNull(policy, "policy");
        parts = List.copyOf(Objects.requireNonNullElse(parts, List.of()));
        groups = Objects.requireNonNullElse(groups, List.<List<Integer>>of()).stream()
                .map(List::copyOf)
                .toList();
    }

    /** Who wrote it, and so what a part without a receipt means. */
    public enum Origin {
        /** A producer, before the messages: a chunk without a receipt is still to come. */
        ENQUEUED,
        /** The first final merge, from its list: what it names is there. */
        LISTED,
        /** The first final merge, from its number of chunks: a chunk may be a little late. */
        COUNTED
    }

    /** One thing a batch waits for. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = Part.Deltas.class, name = "deltas"),
        @JsonSubTypes.Type(value = Part.Chunk.class, name = "chunk"),
        @JsonSubTypes.Type(value = Part.Elsewhere.class, name = "elsewhere"),
        @JsonSubTypes.Type(value = Part.Empty.class, name = "empty"),
        @JsonSubTypes.Type(value = Part.Failed.class, name = "failed")
    })
    public sealed interface Part {
        /** A chunk and what it is made from. */
        record Deltas(int index, List<Delta> deltas) implements Part {
            public Deltas {
                deltas = List.copyOf(Objects.requireNonNullElse(deltas, List.of()));
            }
        }

        /** A chunk of this batch whose deltas the plan does not know. */
        record Chunk(int index) implements Part {}

        /**
         * An intermediate that is no chunk of this batch.
         *
         * @param key its prefix, with a trailing slash
         */
        record Elsewhere(String key) implements Part {
            public Elsewhere {
                Objects.requireNonNull(key, "key");
            }
        }

        /** An item of the list that held nothing. */
        record Empty() implements Part {}

        /** An item of the list that had failed before. */
        record Failed(String what) implements Part {
            public Failed {
                Objects.requireNonNull(what, "what");
            }
        }
    }

    /**
     * @param bucket null: the worker's own
     * @param key a prefix with a trailing slash, or an archive
     * @param etag of {@code chroma.sqlite3} or the archive as it was planned
     * @param lastModified of the same object, milliseconds: the delta's time never gets later than this
     * @param collection where the records of a delta with one collection go; null: names are kept
     * @param stamp declared time, milliseconds, if the producer says so
     */
    public record Delta(
            @Nullable String bucket,
            String key,
            String etag,
            long lastModified,
            @Nullable String collection,
            @Nullable Long stamp) {
        public Delta {
            Objects.requireNonNull(key, "key");
            Objects.requireNonNull(etag, "etag");
        }
    }

    /** The plan of a producer: chunk {@code i} is made from the {@code i}th list. No groups. */
    public static Plan enqueued(String batch, String database, Policy policy, List<List<Delta>> chunks) {
        return enqueued(batch, database, policy, chunks, List.of());
    }

    /** The plan of a producer: chunk {@code i} is made from the {@code i}th list. */
    public static Plan enqueued(
            String batch, String database, Policy policy, List<List<Delta>> chunks, List<List<Integer>> groups) {
        List<Part> parts = IntStream.range(0, chunks.size())
                .<Part>mapToObj(i -> new Part.Deltas(i, chunks.get(i)))
                .toList();
        return new Plan(FORMAT, batch, database, Origin.ENQUEUED, policy, parts, groups, null);
    }

    /**
     * The plan in the body of a final merge that lists its inputs.
     *
     * @param parts {@link Part.Elsewhere} items that are chunks of this batch after all are recognised
     * @throws FailureException {@code INPUT nothing-to-merge} if it is empty
     */
    public static Plan listed(String batch, String database, List<Part> parts, @Nullable PollResults pollResults) {
        if (parts.isEmpty()) {
            throw FailureException.input(
                    "nothing-to-merge", "final merge of batch " + batch + ": chunk_results is empty");
        }
        List<Part> own = parts.stream()
                .map(part -> part instanceof Part.Elsewhere(String key)
                        ? BatchKeys.chunkIndex(batch, key)
                                .<Part>map(Part.Chunk::new)
                                .orElse(part)
                        : part)
                .toList();
        return new Plan(FORMAT, batch, database, Origin.LISTED, Policy.PUBLISH, own, List.of(), pollResults);
    }

    /** The plan in the body of a final merge that says how many chunks there are. */
    public static Plan counted(String batch, String database, int totalChunks, @Nullable PollResults pollResults) {
        if (totalChunks < 1) {
            throw FailureException.input(
                    "nothing-to-merge", "final merge of batch " + batch + ": total_chunks is " + totalChunks);
        }
        List<Part> parts =
                IntStream.range(0, totalChunks).<Part>mapToObj(Part.Chunk::new).toList();
        return new Plan(FORMAT, batch, database, Origin.COUNTED, Policy.PUBLISH, parts, List.of(), pollResults);
    }

    /** The deltas of a chunk, as far as this plan knows them. */
    public List<Delta> deltas(int chunk) {
        return parts.stream()
                .filter(part -> part instanceof Part.Deltas deltas && deltas.index() == chunk)
                .findFirst()
                .map(part -> ((Part.Deltas) part).deltas())
                .orElse(List.of());
    }

    /** Whether both say the same of what the batch is. Groups are only a way to get there. */
    boolean isSameBatch(Plan other) {
        return ungrouped().equals(other.ungrouped());
    }

    private Plan ungrouped() {
        return new Plan(format, batch, database, origin, policy, parts, List.of(), pollResults);
    }

    /**
     * This plan, met by a later final merge of the same batch. It may turn failed items into keys or add keys; the
     * result then is the later one. A plan that a producer made stands as it is.
     *
     * @throws FailureException {@code INPUT batch-id-reused} if it is about something else
     */
    Plan metBy(Plan later) {
        if (!database.equals(later.database)) {
            throw reused("it is for database " + database + ", this one for " + later.database);
        }
        if (origin == Origin.ENQUEUED) {
            var unplanned = new ArrayList<>(later.keys());
            unplanned.removeAll(keys());
            if (!unplanned.isEmpty()) {
                throw reused("its plan does not know " + unplanned.getFirst());
            }
            return this;
        }
        var dropped = new ArrayList<>(keys());
        dropped.removeAll(later.keys());
        if (!dropped.isEmpty()) {
            throw reused("the first final merge named " + dropped.getFirst() + ", this one does not");
        }
        return later;
    }

    /** @throws FailureException {@code INPUT all-chunks-failed} if nothing of it can be merged and something failed */
    void requireHope() {
        List<String> failed = parts.stream()
                .filter(Part.Failed.class::isInstance)
                .map(part -> ((Part.Failed) part).what())
                .toList();
        boolean nothing = parts.stream().allMatch(part -> part instanceof Part.Empty || part instanceof Part.Failed);
        if (nothing && !failed.isEmpty()) {
            throw FailureException.input(
                    "all-chunks-failed",
                    "final merge of batch " + batch + ": chunk_results names no intermediate, and of its "
                            + parts.size() + " items " + failed.size() + " failed: "
                            + String.join("; ", failed.subList(0, Math.min(failed.size(), MOST_SHOWN))));
        }
    }

    FailureException reused(String why) {
        return FailureException.input("batch-id-reused", "batch_id " + batch + " was used before: " + why);
    }

    private Set<String> keys() {
        var keys = new HashSet<String>();
        for (Part part : parts) {
            switch (part) {
                case Part.Deltas deltas -> keys.add(BatchKeys.chunk(batch, deltas.index()));
                case Part.Chunk chunk -> keys.add(BatchKeys.chunk(batch, chunk.index()));
                case Part.Elsewhere elsewhere -> keys.add(elsewhere.key());
                case Part.Empty _, Part.Failed _ -> {}
            }
        }
        return keys;
    }
}
