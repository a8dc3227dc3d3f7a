package dev.chromacompactor.batch;

import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Ledger;
import dev.chromacompactor.snapshot.Manifest;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What became of one chunk or group: {@code batches/<batch>/chunk-<i>.json}. It only moves up: absent, failed, done.
 *
 * @param inputs as they were read, or as they should have been
 * @param covers names of the chunks inside a group's intermediate
 * @param intermediate null when done: there was nothing in it
 * @param collections in the intermediate
 * @param level schema level of the intermediate
 * @param lists whether a metadata value is a list
 * @param records live records in the intermediate
 * @param digest of these records
 * @param warnings for people, such as a declared count that differs
 * @param failure null unless failed
 * @param timings milliseconds by step
 */
public record Receipt(
        int format,
        String database,
        String batch,
        Kind kind,
        int index,
        Status status,
        List<Input> inputs,
        List<ChunkName> covers,
        @Nullable Intermediate intermediate,
        List<Manifest.Collection> collections,
        Manifest.@Nullable Level level,
        boolean lists,
        long records,
        @Nullable Ledger ledger,
        @Nullable String digest,
        List<String> warnings,
        @Nullable Failure failure,
        @Nullable PollResults pollResults,
        Map<String, Long> timings,
        String build) {
    public static final int FORMAT = 1;

    public Receipt {
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(batch, "batch");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(status, "status");
        inputs = List.copyOf(Objects.requireNonNullElse(inputs, List.of()));
        covers = List.copyOf(Objects.requireNonNullElse(covers, List.of()));
        collections = List.copyOf(Objects.requireNonNullElse(collections, List.of()));
        warnings = List.copyOf(Objects.requireNonNullElse(warnings, List.of()));
        timings = Map.copyOf(Objects.requireNonNullElse(timings, Map.of()));
        build = Objects.requireNonNullElse(build, "unknown");
        if ((status == Status.FAILED) != (failure != null)) {
            throw new IllegalArgumentException("a receipt names a failure if and only if it failed");
        }
    }

    public enum Kind {
        CHUNK,
        GROUP
    }

    /** In the order in which it moves. */
    public enum Status {
        FAILED,
        DONE
    }

    /**
     * One input: a delta, or for a group an intermediate.
     *
     * @param key as the message names it, cleaned
     * @param identity ETag or digest as read; null if it could not be read
     * @param millis time in its stamp; null if it could not be read
     * @param position place in its stamp
     * @param lastModified milliseconds, as first seen; null if it was not there
     * @param records it holds
     */
    public record Input(
            String key,
            @Nullable String identity,
            @Nullable Long millis,
            long position,
            @Nullable Long lastModified,
            long records) {
        public Input {
            Objects.requireNonNull(key, "key");
        }
    }

    /** @param key of the one object, with its file name */
    public record Intermediate(String key, String etag, long size, String sha256) {
        public Intermediate {
            Objects.requireNonNull(key, "key");
            Objects.requireNonNull(etag, "etag");
            Objects.requireNonNull(sha256, "sha256");
        }
    }

    /** A receipt of something that went wrong for good. */
    public static Receipt failed(
            String database, String batch, Kind kind, int index, List<Input> inputs, Failure failure, String build) {
        return withoutIntermediate(database, batch, kind, index, inputs, failure, build);
    }

    /** A receipt of a chunk or group with nothing in it. */
    public static Receipt empty(String database, String batch, Kind kind, int index, List<Input> inputs, String build) {
        return withoutIntermediate(database, batch, kind, index, inputs, null, build);
    }

    private static Receipt withoutIntermediate(
            String database,
            String batch,
            Kind kind,
            int index,
            List<Input> inputs,
            @Nullable Failure failure,
            String build) {
        return new Receipt(
                FORMAT,
                database,
                batch,
                kind,
                index,
                failure == null ? Status.DONE : Status.FAILED,
                inputs,
                List.of(),
                null,
                List.of(),
                null,
                false,
                0,
                null,
                null,
                List.of(),
                failure,
                null,
                Map.of(),
                build);
    }

    /** The same, with the deltas of a group in place of the intermediates it was made of. */
    Receipt withInputs(List<Input> deltas) {
        return new Receipt(
                format,
                database,
                batch,
                kind,
                index,
                status,
                deltas,
                covers,
                intermediate,
                collections,
                level,
                lists,
                records,
                ledger,
                digest,
                warnings,
                failure,
                pollResults,
                timings,
                build);
    }

    public String key() {
        return kind == Kind.CHUNK ? BatchKeys.chunkReceipt(batch, index) : BatchKeys.groupReceipt(batch, index);
    }

    /** The LastModified of a delta as this receipt first saw it. */
    public Optional<Long> pinned(String delta) {
        return inputs.stream()
                .filter(input -> input.key().equals(delta) && input.lastModified() != null)
                .map(input -> Objects.requireNonNull(input.lastModified()))
                .findFirst();
    }

    /** The smallest stamp inside: what decides the schema level where there is no base. */
    Optional<InputStamp> first() {
        return inputs.stream()
                .filter(input -> input.millis() != null)
                .map(input -> new InputStamp(
                        Objects.requireNonNull(input.millis()), input.position(), input.key() + input.identity()))
                .min(InputStamp::compareTo);
    }

    Set<String> inputKeys() {
        var keys = new HashSet<String>();
        inputs.forEach(input -> keys.add(input.key()));
        return keys;
    }
}
