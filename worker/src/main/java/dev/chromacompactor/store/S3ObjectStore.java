package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.CommonPrefix;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** One bucket on S3. */
final class S3ObjectStore implements ObjectStore {
    /** DeleteObjects takes no more. */
    private static final int DELETE_BATCH = 1000;

    private final S3Client client;
    private final S3Client once;
    private final String bucket;

    /** @param once the same without retries, see {@link Upload} */
    S3ObjectStore(S3Client client, S3Client once, String bucket) {
        this.client = client;
        this.once = once;
        this.bucket = bucket;
    }

    @Override
    public String bucket() {
        return bucket;
    }

    @Override
    public Optional<ObjectInfo> head(String key) {
        return ifThere("look at " + uri(key), () -> {
            var answer = client.headObject(r -> r.bucket(bucket).key(key));
            return new ObjectInfo(
                    key, unquoted(answer.eTag()), answer.contentLength(), wholeSeconds(answer.lastModified()));
        });
    }

    @Override
    public Optional<Content> read(String key) {
        return ifThere("read " + uri(key), () -> {
            var answer = client.getObjectAsBytes(r -> get(r, key));
            return new Content(info(key, answer.response()), answer.asByteArrayUnsafe());
        });
    }

    @Override
    public Optional<InputStream> open(String key) {
        var doing = "read " + uri(key);
        return ifThere(doing, () -> new Body(doing, client.getObject(r -> get(r, key))));
    }

    @Override
    public ObjectInfo download(String key, @Nullable String etag, Path target) {
        var doing = "download " + uri(key);
        try (var download = new Download(doing, target)) {
            var answer = client.getObject(
                    r -> get(r, key).ifMatch(etag == null ? null : quoted(etag)),
                    (response, body) -> download.receive(response, body));
            download.keep();
            return info(key, answer);
        } catch (S3Exception e) {
            if (etag != null && (e.statusCode() == 412 || S3Errors.isMissing(e))) {
                throw new FailureException(
                        Blame.DOUBTFUL,
                        "object-replaced",
                        doing + ": " + (e.statusCode() == 412 ? "is not the object" : "there is no object any more")
                                + " with ETag " + etag,
                        e);
            }
            if (S3Errors.isMissing(e)) {
                throw new FailureException(Blame.INPUT, "object-missing", doing + ": there is no such object", e);
            }
            throw S3Errors.failure(doing, e);
        } catch (SdkException e) {
            throw S3Errors.failure(doing, e);
        }
    }

    /** Without the mode S3 keeps the checksum to itself, and the SDK has nothing to compare with. */
    private GetObjectRequest.Builder get(GetObjectRequest.Builder request, String key) {
        return request.bucket(bucket).key(key).checksumMode(ChecksumMode.ENABLED);
    }

    @Override
    public String put(String key, byte[] body) {
        return upload(key).put(body);
    }

    @Override
    public String put(String key, Path file) {
        return upload(key).put(file);
    }

    @Override
    public PutOutcome putIfAbsent(String key, byte[] body) {
        return upload(key).putIfAbsent(body);
    }

    @Override
    public PutOutcome putIfAbsent(String key, Path file) {
        return upload(key).putIfAbsent(file);
    }

    @Override
    public PutOutcome putIfMatch(String key, byte[] body, String etag) {
        return upload(key).putIfMatch(body, quoted(etag));
    }

    @Override
    public String copy(String source, String target) {
        var doing = "copy " + uri(source) + " to " + uri(target);
        ObjectInfo info = head(source)
                .orElseThrow(
                        () -> new FailureException(Blame.INPUT, "object-missing", doing + ": there is no such object"));
        return orFail(doing, () -> upload(target).copy(info));
    }

    private Upload upload(String key) {
        return new Upload(client, once, bucket, key);
    }

    @Override
    public void list(String prefix, Consumer<ObjectInfo> each) {
        orFail("list " + uri(prefix), () -> {
            client.listObjectsV2Paginator(r -> r.bucket(bucket).prefix(prefix))
                    .contents()
                    .forEach(o -> each.accept(
                            new ObjectInfo(o.key(), unquoted(o.eTag()), o.size(), wholeSeconds(o.lastModified()))));
            return prefix;
        });
    }

    @Override
    public List<String> folders(String prefix) {
        return orFail(
                "list folders below " + uri(prefix),
                () ->
                        client
                                .listObjectsV2Paginator(
                                        r -> r.bucket(bucket).prefix(prefix).delimiter("/"))
                                .commonPrefixes()
                                .stream()
                                .map(CommonPrefix::prefix)
                                .map(p -> p.substring(prefix.length()))
                                .toList());
    }

    @Override
    public void delete(Collection<String> keys) {
        var all = new ArrayList<>(keys);
        for (int from = 0; from < all.size(); from += DELETE_BATCH) {
            deleteBatch(all.subList(from, Math.min(all.size(), from + DELETE_BATCH)));
        }
    }

    private void deleteBatch(List<String> keys) {
        var doing = "delete " + keys.size() + " objects from " + uri(keys.getFirst());
        var ids = keys.stream()
                .map(k -> ObjectIdentifier.builder().key(k).build())
                .toList();
        var answer = orFail(
                doing,
                () -> client.deleteObjects(
                        r -> r.bucket(bucket).delete(d -> d.objects(ids).quiet(true))));
        if (answer.hasErrors() && !answer.errors().isEmpty()) {
            var first = answer.errors().getFirst();
            throw new FailureException(
                    Blame.DEPENDENCY,
                    "AccessDenied".equals(first.code()) ? "s3-access-denied" : "s3-delete-refused",
                    doing + ": " + answer.errors().size() + " refused, first " + first.key() + ": " + first.code());
        }
    }

    @Override
    public void uploads(String prefix, Consumer<OpenUpload> each) {
        orFail("list uploads below " + uri(prefix), () -> {
            client.listMultipartUploadsPaginator(r -> r.bucket(bucket).prefix(prefix)).uploads().stream()
                    .filter(upload -> upload.key().startsWith(prefix)) // not every server knows the prefix
                    .forEach(upload -> each.accept(
                            new OpenUpload(upload.key(), upload.uploadId(), wholeSeconds(upload.initiated()))));
            return prefix;
        });
    }

    @Override
    public void abort(OpenUpload upload) {
        var _ = ifThere(
                "give up the upload of " + uri(upload.key()),
                () -> client.abortMultipartUpload(
                        r -> r.bucket(bucket).key(upload.key()).uploadId(upload.id())));
    }

    @Override
    public Instant now() {
        var doing = "ask s3://" + bucket + " for the time";
        return orFail(
                        doing,
                        () -> client.headBucket(r -> r.bucket(bucket))
                                .sdkHttpResponse()
                                .firstMatchingHeader("Date"))
                .map(date -> Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date)))
                .orElseThrow(() -> new FailureException(
                        Blame.DEPENDENCY, "s3-no-date", doing + ": the answer has no Date header"));
    }

    private static ObjectInfo info(String key, GetObjectResponse r) {
        return new ObjectInfo(key, unquoted(r.eTag()), r.contentLength(), wholeSeconds(r.lastModified()));
    }

    /** Listings of AWS carry milliseconds on some days, headers never do: one form for both. */
    private static Instant wholeSeconds(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS);
    }

    static String unquoted(String etag) {
        return etag.length() > 1 && etag.startsWith("\"") && etag.endsWith("\"")
                ? etag.substring(1, etag.length() - 1)
                : etag;
    }

    static String quoted(String etag) {
        return '"' + etag + '"';
    }

    private String uri(String key) {
        return "s3://" + bucket + "/" + key;
    }

    private static <T> Optional<T> ifThere(String doing, Supplier<T> call) {
        try {
            return Optional.of(call.get());
        } catch (S3Exception e) {
            if (S3Errors.isMissing(e)) {
                return Optional.empty();
            }
            throw S3Errors.failure(doing, e);
        } catch (SdkException e) {
            throw S3Errors.failure(doing, e);
        }
    }

    private static <T> T orFail(String doing, Supplier<T> call) {
        try {
            return call.get();
        } catch (SdkException e) {
            throw S3Errors.failure(doing, e);
        }
    }

    /**
     * Closing the SDK's stream early would first read all the rest of the object; and a body that does not match its
     * checksum is found out at its end, by an exception that no reader of a stream expects.
     */
    private static final class Body extends FilterInputStream {
        private final String doing;
        private final ResponseInputStream<GetObjectResponse> response;
        private boolean ended;

        Body(String doing, ResponseInputStream<GetObjectResponse> response) {
            super(response);
            this.doing = doing;
            this.response = response;
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            try {
                int n = super.read(buffer, offset, length);
                ended |= n < 0;
                return n;
            } catch (SdkException e) {
                throw S3Errors.failure(doing, e);
            }
        }

        @Override
        public void close() throws IOException {
            if (!ended) {
                response.abort();
            }
            super.close();
        }
    }
}
