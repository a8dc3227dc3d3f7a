package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
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

    /** Unconditional upload of a file; returns the ETag. As with every write, the store refuses bytes that do not match their CRC-32. */
    String put(String key, Path file);

    /** Writes only if there is no such object. */
    PutOutcome putIfAbsent(String key, byte[] body);

    /** As {@link #putIfAbsent(String, byte[])}, of a file of any size. */
    PutOutcome putIfAbsent(String key, Path file);

    /** Writes only over the object with this ETag. */
    PutOutcome putIfMatch(String key, byte[] body, String etag);

    /**
     * Brings one small object to where {@code change} wants it, with conditional writes, each followed by another look unless it was
     * answered, until it is known what lies there.
     *
     * @param change from what is there, empty if nothing is, to what is to be written over it, empty if nothing is to be: asked anew
     *     after each look
     * @return what is there now
     * @throws FailureException {@code DEPENDENCY s3-write-unconfirmed} if no answer says what is there
     */
    default byte[] settle(String key, UnaryOperator<Optional<byte[]>> change) {
        // Others change it a few times at most meanwhile: more tries than that are unanswered writes.
        for (int left = 8; left > 0; left--) {
            Optional<Content> there = read(key);
            Optional<byte[]> wanted = change.apply(there.map(Content::bytes));
            if (wanted.isEmpty()) {
                return there.orElseThrow().bytes();
            }
            byte[] body = wanted.get();
            PutOutcome outcome = there.isEmpty()
                    ? putIfAbsent(key, body)
                    : putIfMatch(key, body, there.get().info().etag());
            if (outcome instanceof PutOutcome.Won) {
                return body;
            }
        }
        throw new FailureException(
                Blame.DEPENDENCY, "s3-write-unconfirmed", "write " + key + ": no answer says whether it is there");
    }

    /** Likewise, for an object that is written once: returns what is there now, {@code body} or what somebody wrote before. */
    default byte[] settle(String key, byte[] body) {
        return settle(key, there -> there.isPresent() ? Optional.empty() : Optional.of(body));
    }

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
