package dev.chromacompactor.embedded.awssdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateBucketRequest;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/** What uploads in parts leave on disk, and what a read sees of them. */
class DiskBlobStoreTest {
    @TempDir
    Path directory;

    private DiskBlobStore store;

    @BeforeEach
    void create() {
        store = new DiskBlobStore(directory);
        store.createContainer(CreateBucketRequest.builder().bucket("b").build());
    }

    @Test
    void an_object_of_many_parts_is_one_file_and_nothing_stays_when_it_is_deleted() {
        var upload = begin();
        complete(upload, null, part(upload, 1, "one "), part(upload, 2, "two"));
        assertThat(files()).isEqualTo(1);

        store.removeBlob(DeleteObjectRequest.builder().bucket("b").key("k").build());
        assertThat(files()).isZero();
    }

    @Test
    void whoever_reads_keeps_reading_the_parts_of_an_object_that_is_replaced() throws IOException {
        var upload = begin();
        complete(upload, null, part(upload, 1, "one "), part(upload, 2, "two"));
        try (var reading = read()) {
            var next = begin();
            complete(next, null, part(next, 1, "three"));
            assertThat(text(reading)).isEqualTo("one two");
        }
        assertThat(text(read())).isEqualTo("three");
        assertThat(files()).isEqualTo(1);
    }

    @Test
    void an_upload_whose_condition_fails_at_its_end_can_be_completed_later() throws IOException {
        var first = begin();
        complete(first, "*", part(first, 1, "first"));
        var second = begin();
        var part = part(second, 1, "second");
        assertThatThrownBy(() -> complete(second, "*", part)).isInstanceOf(S3Exception.class);
        assertThat(text(read())).isEqualTo("first");

        complete(second, null, part);
        assertThat(text(read())).isEqualTo("second");
        assertThat(files()).isEqualTo(1);
    }

    @Test
    void an_upload_given_up_leaves_nothing_and_takes_no_more_parts() {
        var upload = begin();
        part(upload, 1, "one");
        part(upload, 1, "one again");
        store.abortMultipartUpload(upload);

        assertThat(files()).isZero();
        assertThatThrownBy(() -> part(upload, 2, "two")).isInstanceOf(NoSuchUploadException.class);
        assertThat(files()).isZero();
    }

    @Test
    void a_part_that_arrives_after_the_upload_is_over_changes_nothing() throws IOException {
        var upload = begin();
        var one = part(upload, 1, "one");
        var late = new SequenceInputStream(stream("la"), new Meanwhile("te", () -> complete(upload, null, one)));
        assertThatThrownBy(() -> store.uploadMultipartPart(upload, request(upload, 1, 4), late))
                .isInstanceOf(NoSuchUploadException.class);
        assertThat(text(read())).isEqualTo("one");
    }

    @Test
    void a_part_that_breaks_off_is_none() throws IOException {
        var upload = begin();
        var one = part(upload, 1, "one");
        var broken = new SequenceInputStream(stream("br"), new Meanwhile("oken", () -> {
            throw new IllegalStateException("connection reset");
        }));
        assertThatThrownBy(() -> store.uploadMultipartPart(upload, request(upload, 1, 6), broken))
                .hasMessage("connection reset");
        complete(upload, null, one, part(upload, 2, " two"));
        assertThat(text(read())).isEqualTo("one two");
    }

    private MultipartUpload begin() {
        return store.initiateMultipartUpload(
                CreateMultipartUploadRequest.builder().bucket("b").key("k").build());
    }

    private CompletedPart part(MultipartUpload upload, int number, String text) {
        var answer = store.uploadMultipartPart(upload, request(upload, number, text.length()), stream(text));
        return CompletedPart.builder().partNumber(number).eTag(answer.eTag()).build();
    }

    private static UploadPartRequest request(MultipartUpload upload, int number, long length) {
        return UploadPartRequest.builder()
                .bucket("b")
                .key("k")
                .uploadId(upload.id())
                .partNumber(number)
                .contentLength(length)
                .build();
    }

    private void complete(MultipartUpload upload, @Nullable String ifNoneMatch, CompletedPart... parts) {
        store.completeMultipartUpload(
                upload,
                CompleteMultipartUploadRequest.builder()
                        .bucket("b")
                        .key("k")
                        .uploadId(upload.id())
                        .ifNoneMatch(ifNoneMatch)
                        .multipartUpload(m -> m.parts(Arrays.asList(parts)))
                        .build());
    }

    private InputStream read() {
        return store.getBlob(GetObjectRequest.builder().bucket("b").key("k").build());
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(InputStream in) throws IOException {
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private int files() {
        return directory.toFile().list().length;
    }

    /** Of which something happens before its first byte. */
    private static final class Meanwhile extends FilterInputStream {
        private final Runnable first;
        private boolean begun;

        Meanwhile(String text, Runnable first) {
            super(stream(text));
            this.first = first;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (!begun) {
                begun = true;
                first.run();
            }
            return super.read(buffer, offset, length);
        }
    }
}
