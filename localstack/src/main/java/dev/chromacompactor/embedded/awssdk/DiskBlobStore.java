package dev.chromacompactor.embedded.awssdk;

import dev.chromacompactor.embedded.awssdk.Bucket.Part;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.S3Exceptions;
import org.gaul.s3proxy.blobstore.SdkResponses;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.services.s3.model.BucketCannedACL;
import software.amazon.awssdk.services.s3.model.CommonPrefix;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CopyObjectRequest;
import software.amazon.awssdk.services.s3.model.CopyObjectResponse;
import software.amazon.awssdk.services.s3.model.CreateBucketRequest;
import software.amazon.awssdk.services.s3.model.CreateBucketResponse;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectResponse;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadBucketRequest;
import software.amazon.awssdk.services.s3.model.HeadBucketResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListBucketsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.MetadataDirective;
import software.amazon.awssdk.services.s3.model.ObjectCannedACL;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.StorageClass;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/**
 * Buckets with S3's semantics behind S3Proxy's HTTP: names in memory, bodies in files below one directory. Keys are
 * just text here ({@code a}, {@code a/} and {@code a/b} live side by side), a body appears whole or not at all, and
 * conditions are judged together with the write.
 */
public final class DiskBlobStore implements BlobStore {
    private static final long MINIMUM_PART_BYTES = 5L << 20;

    private final Spool spool;
    private final ConcurrentMap<String, Bucket> buckets = new ConcurrentHashMap<>();

    /** @param directory exists, is empty, and is the caller's to remove after {@code close} */
    public DiskBlobStore(Path directory) {
        this.spool = new Spool(directory);
    }

    private Bucket bucket(String name) {
        var bucket = buckets.get(name);
        if (bucket == null) {
            throw S3Exceptions.noSuchBucket(name, null);
        }
        return bucket;
    }

    // Buckets

    @Override
    public ListBucketsResponse list() {
        return ListBucketsResponse.builder()
                .buckets(buckets.values().stream()
                        .map(b -> SdkResponses.bucket(b.name, b.created))
                        .toList())
                .build();
    }

    @Override
    public HeadBucketResponse headBucket(HeadBucketRequest request) {
        bucket(request.bucket());
        return HeadBucketResponse.builder().build();
    }

    @Override
    public CreateBucketResponse createContainer(CreateBucketRequest request) {
        if (buckets.putIfAbsent(request.bucket(), new Bucket(request.bucket())) != null) {
            throw S3Exceptions.bucketAlreadyOwnedByYou(request.bucket());
        }
        return CreateBucketResponse.builder().build();
    }

    @Override
    public void deleteBucket(String name) {
        if (!bucket(name).isEmpty()) {
            throw S3Exceptions.bucketNotEmpty(name);
        }
        buckets.remove(name);
    }

    // Objects

    @Override
    public ListObjectsV2Response list(ListObjectsV2Request request) {
        int limit = request.maxKeys() == null ? 1000 : request.maxKeys();
        if (limit == 0) {
            return SdkResponses.objectsPage(List.of(), List.of(), null);
        }
        var token = request.continuationToken();
        var after = token == null
                ? request.startAfter()
                : new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
        var prefix = request.prefix() == null ? "" : request.prefix();
        var page = bucket(request.bucket()).list(prefix, request.delimiter(), after, limit);
        var objects = page.objects().stream()
                .map(o -> SdkResponses.objectEntry(
                        o.getKey(),
                        o.getValue().etag(),
                        o.getValue().headers().lastModified(),
                        o.getValue().size(),
                        StorageClass.STANDARD))
                .toList();
        var folders = page.folders().stream()
                .map(p -> CommonPrefix.builder().prefix(p).build())
                .toList();
        var next = page.next() == null
                ? null
                : Base64.getUrlEncoder().encodeToString(page.next().getBytes(StandardCharsets.UTF_8));
        return SdkResponses.objectsPage(objects, folders, next);
    }

    @Override
    public PutObjectResponse putBlob(PutObjectRequest request, InputStream payload) {
        var bucket = bucket(request.bucket());
        var body = spool.write(payload, request.contentMD5());
        var headers = GetObjectResponse.builder()
                .metadata(request.metadata())
                .cacheControl(request.cacheControl())
                .contentDisposition(request.contentDisposition())
                .contentEncoding(request.contentEncoding())
                .contentLanguage(request.contentLanguage())
                .contentType(request.contentType())
                .contentLength(body.size())
                .checksumCRC32(body.crc32())
                .eTag(body.etag())
                .lastModified(now())
                .build();
        var object = new StoredObject(headers, body.file(), List.of(body.piece()));
        bucket.put(request.key(), object, request.ifMatch(), request.ifNoneMatch());
        return SdkResponses.putResponse(body.etag());
    }

    @Override
    public CopyObjectResponse copyBlob(CopyObjectRequest request) {
        var source = bucket(request.sourceBucket()).get(request.sourceKey());
        var target = bucket(request.destinationBucket());
        refuseUnless(source, request.copySourceIfMatch(), request.copySourceIfNoneMatch(), 412);
        var headers = source.headers().toBuilder().lastModified(now());
        if (request.metadataDirective() == MetadataDirective.REPLACE) {
            headers.metadata(request.metadata())
                    .cacheControl(request.cacheControl())
                    .contentDisposition(request.contentDisposition())
                    .contentEncoding(request.contentEncoding())
                    .contentLanguage(request.contentLanguage())
                    .contentType(request.contentType());
        }
        var copy = new StoredObject(headers.build(), spool.copy(source.file()), source.body());
        target.put(request.destinationKey(), copy, request.ifMatch(), request.ifNoneMatch());
        return SdkResponses.copyResponse(copy.etag(), copy.headers().lastModified());
    }

    @Override
    public HeadObjectResponse blobMetadata(HeadObjectRequest request) {
        return SdkResponses.toHead(bucket(request.bucket()).get(request.key()).headers());
    }

    @Override
    public ResponseInputStream<GetObjectResponse> getBlob(GetObjectRequest request) {
        var bucket = bucket(request.bucket());
        if (request.range() == null) {
            var opened = bucket.open(request.key(), o -> {
                refuseUnless(o, request);
                return o.body();
            });
            return SdkResponses.getResponse(opened.object().headers(), opened.body());
        }
        var opened = bucket.open(request.key(), o -> {
            refuseUnless(o, request);
            return Range.parse(request.range(), o.size()).of(o.body());
        });
        long size = opened.object().size();
        var range = Range.parse(request.range(), size);
        var headers = opened.object().headers().toBuilder()
                .contentLength(range.length())
                .contentRange("bytes " + range.first() + "-" + range.last() + "/" + size)
                .build();
        return SdkResponses.getResponse(headers, opened.body());
    }

    private static void refuseUnless(StoredObject object, GetObjectRequest request) {
        refuseUnless(object, request.ifMatch(), request.ifNoneMatch(), 304);
    }

    private static void refuseUnless(
            StoredObject object, @Nullable String ifMatch, @Nullable String ifNoneMatch, int noneMatchStatus) {
        if (ifMatch != null && !ifMatch.equals("*") && !Bucket.sameEtag(ifMatch, object.etag())) {
            throw S3Exceptions.preconditionFailed(null);
        }
        if (ifNoneMatch != null && (ifNoneMatch.equals("*") || Bucket.sameEtag(ifNoneMatch, object.etag()))) {
            throw S3Exceptions.fromStatusCode(noneMatchStatus, object.etag(), Map.of(), null);
        }
    }

    @Override
    public DeleteObjectResponse removeBlob(DeleteObjectRequest request) {
        bucket(request.bucket()).remove(request.key(), request.ifMatch());
        return DeleteObjectResponse.builder().build();
    }

    // Uploads in parts

    @Override
    public MultipartUpload initiateMultipartUpload(CreateMultipartUploadRequest request) {
        var bucket = bucket(request.bucket());
        return new MultipartUpload(bucket.begin(request, spool.create()).id(), request);
    }

    @Override
    public UploadPartResponse uploadMultipartPart(MultipartUpload upload, UploadPartRequest request, InputStream in) {
        var bucket = bucket(upload.containerName());
        var begun = bucket.upload(upload.id());
        if (begun == null) {
            throw Bucket.noSuchUpload(upload.id());
        }
        long from = begun.end().getAndAdd(request.contentLength()); // S3Proxy ends the stream there
        var body = Spool.write(in, request.contentMD5(), begun.file(), from);
        bucket.addPart(upload.id(), request.partNumber(), body);
        return SdkResponses.uploadedPart(body.etag());
    }

    @Override
    public CompleteMultipartUploadResponse completeMultipartUpload(
            MultipartUpload upload, CompleteMultipartUploadRequest request) {
        var bucket = bucket(upload.containerName());
        var begun = bucket.upload(upload.id());
        if (begun == null) {
            throw Bucket.noSuchUpload(upload.id());
        }
        var parts = new ArrayList<Part>();
        for (var named : request.multipartUpload().parts()) {
            var part = begun.parts().get(named.partNumber());
            if (part == null || !Bucket.sameEtag(named.eTag(), part.body().etag())) {
                throw S3Exceptions.invalidRequest("part " + named.partNumber() + " is not the one uploaded");
            }
            parts.add(part);
        }
        var md5 = Spool.digest("MD5");
        parts.forEach(p -> md5.update(p.body().md5()));
        var etag = '"' + HexFormat.of().formatHex(md5.digest()) + "-" + parts.size() + '"';
        var create = begun.request();
        var headers = GetObjectResponse.builder()
                .metadata(create.metadata())
                .cacheControl(create.cacheControl())
                .contentDisposition(create.contentDisposition())
                .contentEncoding(create.contentEncoding())
                .contentLanguage(create.contentLanguage())
                .contentType(create.contentType())
                .contentLength(parts.stream().mapToLong(p -> p.body().size()).sum())
                .eTag(etag)
                .lastModified(now())
                .build();
        var body = parts.stream().map(p -> p.body().piece()).toList();
        bucket.complete(begun, new StoredObject(headers, begun.file(), body), request.ifMatch(), request.ifNoneMatch());
        return SdkResponses.completeResponse(etag);
    }

    @Override
    public void abortMultipartUpload(MultipartUpload upload) {
        bucket(upload.containerName()).abort(upload.id());
    }

    @Override
    public List<software.amazon.awssdk.services.s3.model.Part> listMultipartUpload(MultipartUpload upload) {
        var begun = bucket(upload.containerName()).upload(upload.id());
        return begun == null
                ? List.of()
                : begun.parts().entrySet().stream()
                        .map(p -> SdkResponses.part(
                                p.getKey(),
                                p.getValue().body().size(),
                                p.getValue().body().etag(),
                                p.getValue().uploaded()))
                        .toList();
    }

    @Override
    public List<software.amazon.awssdk.services.s3.model.MultipartUpload> listMultipartUploads(String name) {
        return bucket(name).uploads().stream()
                .map(u -> SdkResponses.upload(u.request().key(), u.id(), u.begun()))
                .toList();
    }

    @Override
    public long getMinimumMultipartPartSize() {
        return MINIMUM_PART_BYTES;
    }

    // Access: everything is private, which nobody checks

    @Override
    public BucketCannedACL getContainerAccess(String name) {
        return BucketCannedACL.PRIVATE;
    }

    @Override
    public void setContainerAccess(String name, BucketCannedACL access) {
        throw new UnsupportedOperationException("access lists");
    }

    @Override
    public ObjectCannedACL getBlobAccess(String name, String key) {
        return ObjectCannedACL.PRIVATE;
    }

    @Override
    public void setBlobAccess(String name, String key, ObjectCannedACL access) {
        throw new UnsupportedOperationException("access lists");
    }

    private static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS);
    }
}
