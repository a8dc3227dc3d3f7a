package dev.chromacompactor.store;

import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One bucket. Two implementations: S3 and memory; one contract suite for both.
 *
 * <p>Single calls are retried by the SDK. What fails beyond that is thrown as a
 * {@code FailureException}: {@code DEPENDENCY} with reason {@code s3-…} for throttling, 5xx and broken connections,
 * {@code NODE} for a full disk. Only conditional writes answer instead of throwing, since their outcome decides; they are
 * sent once and throw only what proves that nothing was written and that the condition had no part in it: no
 * permission, no such bucket, a malformed request.
 * ETags are opaque and kept without quotes.
 *
 * <p>Every way of writing sets the content type that the key's ending says: {@code .txt} is plain text, {@code .json}
 * is JSON, anything else is bytes.
 */
public interface ObjectStore {
    String bucket();

    Optional<ObjectInfo> head(String key);

    /** A small object whole; empty if there is none. */
    Optional<Content> read(String key);

    /**
     * A stream of an object of any size; the caller closes it. Empty if there is none. A connection that breaks is an
     * {@code IOException} of the stream, an altered body {@code DOUBTFUL download-corrupt} at its end.
     */
    Optional<InputStream> open(String key);

    /**
     * Downloads to {@code target}, which must not exist. With {@code etag} the read carries If-Match on every request:
     * a different object, or none, is {@code DOUBTFUL object-replaced}; a short or altered body {@code DOUBTFUL
     * download-corrupt}. Without {@code etag} a missing object is {@code INPUT object-missing}. Nothing is left behind
     * on failure.
     */
    ObjectInfo download(String key, @Nullable String etag, Path target);

    /** Unconditional; returns the ETag. */
    String put(String key, byte[] body);

    /** Unconditional upload of a file, with its SHA-256 sent along or a checksum as strong as the store takes; returns the ETag. */
    String put(String key, Path file);

    /** Writes only if there is no such object. */
    PutOutcome putIfAbsent(String key, byte[] body);

    /** As {@link #putIfAbsent(String, byte[])}, of a file of any size. */
    PutOutcome putIfAbsent(String key, Path file);

    /** Writes only over the object with this ETag. */
    PutOutcome putIfMatch(String key, byte[] body, String etag);

    /**
     * Copies an object of any size inside the bucket, unconditionally; its bytes never come here. A missing source is
     * {@code INPUT object-missing}. Returns the ETag of the copy, which may be another one.
     */
    String copy(String source, String target);

    /** Every object whose key starts with {@code prefix}, in key order, any number of them. */
    void list(String prefix, Consumer<ObjectInfo> each);

    default List<ObjectInfo> list(String prefix) {
        var all = new ArrayList<ObjectInfo>();
        list(prefix, all::add);
        return all;
    }

    /** The names directly below {@code prefix} that have something below them, with a trailing slash, without the prefix. */
    List<String> folders(String prefix);

    /** Deletes what is there; a missing key is no error. */
    void delete(Collection<String> keys);

    /** Uploads in parts below {@code prefix} that are neither completed nor given up, in no order. */
    void uploads(String prefix, Consumer<OpenUpload> each);

    /** Gives it up: its parts are gone then. One that is over already is no error. */
    void abort(OpenUpload upload);

    /** The store's own clock, from the Date of an answer. */
    Instant now();

    /** @param lastModified in whole seconds, by the store's clock */
    record ObjectInfo(String key, String etag, long size, Instant lastModified) {}

    /** @param begun by the store's clock */
    record OpenUpload(String key, String id, Instant begun) {}

    record Content(ObjectInfo info, byte[] bytes) {}
}
