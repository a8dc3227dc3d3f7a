package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.store.PutOutcome.Won;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;

/**
 * Writes one object.
 *
 * <p><b>Conditional writes are sent once.</b> If the SDK repeated one whose first try was committed but whose answer
 * got lost, the second try would be answered 412 <em>because of our own object</em>, and a write that won would be
 * reported as lost. Sent once, 412 means what it says, and everything undecided is {@code Unknown}; the reader of the
 * outcome settles it by reading. Unconditional writes and the parts of a multipart upload are repeatable and have the
 * SDK's usual attempts.
 *
 * <p>Files above 64 MiB go up in parts, four at a time, and appear at once with CompleteMultipartUpload, which carries
 * the condition. Copies of such objects are made in parts too: one call takes no more than 5 GiB, and answers only when
 * all of it is copied. An upload that does not complete is aborted. (Dying in between leaves invisible parts, which a
 * lifecycle rule or collection removes.) A 409 there means that the upload is spoilt and must be started again: to the
 * caller that is {@code Unknown} like the other 409.
 */
final class Upload {
    private static final Logger log = LoggerFactory.getLogger(Upload.class);

    private static final long SINGLE_PUT_BYTES = 64L << 20;
    private static final long PART_BYTES = 16L << 20;
    private static final long COPIED_PART_BYTES = 64L << 20;
    private static final int PARTS_AT_ONCE = 4;
    /** S3's bounds: 10,000 parts; 5 MiB, the least size of a part, is below ours. */
    private static final int MAX_PARTS = 10_000;

    private final S3Client client;
    private final S3Client once;
    private final String bucket;
    private final String key;
    private final String doing;

    Upload(S3Client client, S3Client once, String bucket, String key) {
        this.client = client;
        this.once = once;
        this.bucket = bucket;
        this.key = key;
        this.doing = "write s3://" + bucket + "/" + key;
    }

    String put(byte[] body) {
        return orFail(() -> put(client, request().build(), RequestBody.fromBytes(body)));
    }

    String put(Path file) {
        return fromFile(
                file,
                (channel, size) -> orFail(() -> {
                    if (size <= SINGLE_PUT_BYTES) {
                        return put(client, request().build(), slice(channel, 0, size));
                    }
                    return inParts(size, PART_BYTES, fromFile(channel), this::complete);
                }));
    }

    PutOutcome putIfAbsent(byte[] body) {
        return once(request().ifNoneMatch("*"), RequestBody.fromBytes(body), false);
    }

    PutOutcome putIfAbsent(Path file) {
        return fromFile(file, (channel, size) -> {
            if (size <= SINGLE_PUT_BYTES) {
                return once(request().ifNoneMatch("*"), slice(channel, 0, size), false);
            }
            return orFail(() -> inParts(size, PART_BYTES, fromFile(channel), this::completeIfAbsent));
        });
    }

    PutOutcome putIfMatch(byte[] body, String quotedEtag) {
        return once(request().ifMatch(quotedEtag), RequestBody.fromBytes(body), true);
    }

    /** @param source of the same bucket, as it is now */
    String copy(ObjectInfo source) {
        String etag = S3ObjectStore.quoted(source.etag());
        if (source.size() > SINGLE_PUT_BYTES) {
            return inParts(source.size(), COPIED_PART_BYTES, fromObject(source.key(), etag), this::complete);
        }
        var answer = client.copyObject(r -> r.sourceBucket(bucket)
                .sourceKey(source.key())
                .copySourceIfMatch(etag)
                .destinationBucket(bucket)
                .destinationKey(key)
                .checksumAlgorithm(ChecksumAlgorithm.CRC32));
        return S3ObjectStore.unquoted(answer.copyObjectResult().eTag());
    }

    private PutObjectRequest.Builder request() {
        return PutObjectRequest.builder()
                .bucket(bucket)
                .key(key)
                .contentType(contentType())
                .checksumAlgorithm(ChecksumAlgorithm.CRC32);
    }

    /** Readers and browsers show what they know to be text. */
    private String contentType() {
        if (key.endsWith(".txt")) {
            return "text/plain";
        }
        return key.endsWith(".json") ? "application/json" : "application/octet-stream";
    }

    private static String put(S3Client client, PutObjectRequest request, RequestBody body) {
        return S3ObjectStore.unquoted(client.putObject(request, body).eTag());
    }

    private PutOutcome once(PutObjectRequest.Builder request, RequestBody body, boolean ifMatch) {
        try {
            return new Won(put(once, request.build(), body));
        } catch (SdkException e) {
            return S3Errors.outcome(doing, e, ifMatch);
        }
    }

    private String complete(CompleteMultipartUploadRequest.Builder completion) {
        return complete(client, completion.build());
    }

    private static String complete(S3Client client, CompleteMultipartUploadRequest request) {
        return S3ObjectStore.unquoted(client.completeMultipartUpload(request).eTag());
    }

    private PutOutcome completeIfAbsent(CompleteMultipartUploadRequest.Builder completion) {
        try {
            return new Won(complete(once, completion.ifNoneMatch("*").build()));
        } catch (SdkException e) {
            return S3Errors.outcome(doing, e, false);
        }
    }

    private <T> T inParts(long size, long partSize, Parts source, Completion<T> completion) {
        var id = client.createMultipartUpload(r ->
                        r.bucket(bucket).key(key).contentType(contentType()).checksumAlgorithm(ChecksumAlgorithm.CRC32))
                .uploadId();
        boolean completed = false;
        try {
            var parts = parts(id, size, Math.max(partSize, Math.ceilDiv(size, MAX_PARTS)), source);
            var result = completion.complete(CompleteMultipartUploadRequest.builder()
                    .bucket(bucket)
                    .key(key)
                    .uploadId(id)
                    .multipartUpload(m -> m.parts(parts)));
            completed = !(result instanceof PutOutcome) || result instanceof Won;
            return result;
        } finally {
            if (!completed) {
                abort(id);
            }
        }
    }

    private List<CompletedPart> parts(String id, long size, long partSize, Parts source) {
        try (var pool = Executors.newFixedThreadPool(
                PARTS_AT_ONCE, Thread.ofVirtual().name("upload-", 0).factory())) {
            try {
                var pending = new ArrayList<Future<CompletedPart>>();
                for (long offset = 0; offset < size; offset += partSize) {
                    int number = pending.size() + 1;
                    long from = offset;
                    long length = Math.min(partSize, size - offset);
                    pending.add(pool.submit(() -> source.send(id, number, from, length)));
                }
                var done = new ArrayList<CompletedPart>();
                for (var part : pending) {
                    done.add(part.get());
                }
                return done;
            } catch (ExecutionException e) {
                throw e.getCause() instanceof SdkException sdk ? sdk : new IllegalStateException(doing, e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FailureException(Blame.NODE, "interrupted", doing + ": interrupted", e);
            } finally {
                pool.shutdownNow(); // after a failure nobody waits for the other parts
            }
        }
    }

    private Parts fromFile(FileChannel file) {
        return (id, number, offset, length) -> {
            var answer = client.uploadPart(
                    r -> r.bucket(bucket)
                            .key(key)
                            .uploadId(id)
                            .partNumber(number)
                            .checksumAlgorithm(ChecksumAlgorithm.CRC32),
                    slice(file, offset, length));
            return CompletedPart.builder()
                    .partNumber(number)
                    .eTag(answer.eTag())
                    .checksumCRC32(answer.checksumCRC32())
                    .build();
        };
    }

    private Parts fromObject(String source, String quotedEtag) {
        return (id, number, offset, length) -> {
            var answer = client.uploadPartCopy(r -> r.sourceBucket(bucket)
                            .sourceKey(source)
                            .copySourceIfMatch(quotedEtag)
                            .copySourceRange("bytes=" + offset + "-" + (offset + length - 1))
                            .destinationBucket(bucket)
                            .destinationKey(key)
                            .uploadId(id)
                            .partNumber(number))
                    .copyPartResult();
            return CompletedPart.builder()
                    .partNumber(number)
                    .eTag(answer.eTag())
                    .checksumCRC32(answer.checksumCRC32())
                    .build();
        };
    }

    private void abort(String id) {
        try {
            client.abortMultipartUpload(r -> r.bucket(bucket).key(key).uploadId(id));
        } catch (SdkException e) {
            log.atWarn()
                    .addKeyValue("key", key)
                    .addKeyValue("upload", id)
                    .setCause(e)
                    .log("multipart upload left unfinished, its parts stay until collected");
        }
    }

    private static RequestBody slice(FileChannel file, long offset, long length) {
        return RequestBody.fromContentProvider(
                () -> new FileSlice(file, offset, length), length, "application/octet-stream");
    }

    private <T> T fromFile(Path file, FromFile<T> write) {
        try (var channel = FileChannel.open(file)) {
            return write.write(channel, channel.size());
        } catch (IOException e) {
            throw FailureException.disk(doing + " from " + file, e);
        }
    }

    private <T> T orFail(Supplier<T> call) {
        try {
            return call.get();
        } catch (SdkException e) {
            throw S3Errors.failure(doing, e);
        }
    }

    @FunctionalInterface
    private interface FromFile<T> {
        T write(FileChannel file, long size) throws IOException;
    }

    /** Sends one part of an upload, from wherever its bytes are. */
    @FunctionalInterface
    private interface Parts {
        CompletedPart send(String id, int number, long offset, long length);
    }

    @FunctionalInterface
    private interface Completion<T> {
        T complete(CompleteMultipartUploadRequest.Builder completion);
    }
}
