package dev.chromacompactor.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.Service;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateBucketConfiguration;

/** {@link ObjectStoreContract} on something that speaks S3, and what only such a thing can show. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class S3Contract extends ObjectStoreContract {
    private final String bucket = "contract-" + UUID.randomUUID();

    private S3Client client;
    private S3ObjectStores stores;

    abstract Service service();

    @BeforeAll
    void connect() {
        client = S3Client.builder()
                .endpointOverride(service().endpoint())
                .region(Region.of(service().region()))
                .forcePathStyle(true)
                .credentialsProvider(service().credentials())
                .build();
        client.createBucket(r -> r.bucket(bucket).createBucketConfiguration(location()));
        stores = new S3ObjectStores(
                S3Settings.at(service().endpoint(), service().region()),
                service().credentials());
    }

    /** Of S3's first region alone it is not said. */
    private @Nullable CreateBucketConfiguration location() {
        return service().region().equals("us-east-1")
                ? null
                : CreateBucketConfiguration.builder()
                        .locationConstraint(service().region())
                        .build();
    }

    @AfterAll
    void disconnect() {
        store().delete(store().list("").stream().map(ObjectInfo::key).toList());
        client.deleteBucket(r -> r.bucket(bucket));
        stores.close();
        client.close();
    }

    @Override
    ObjectStore store() {
        return stores.bucket(bucket);
    }

    @Test
    void gzip_arrives_as_stored() throws IOException {
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write(bytes("hello ".repeat(1000)));
        }
        client.putObject(
                r -> r.bucket(bucket).key("gzip/delta.tar.gz").contentEncoding("gzip"),
                RequestBody.fromBytes(zipped.toByteArray()));

        assertThat(store().read("gzip/delta.tar.gz").orElseThrow().bytes()).isEqualTo(zipped.toByteArray());
        var info = store().download("gzip/delta.tar.gz", null, directory.resolve("delta"));
        assertThat(directory.resolve("delta")).hasBinaryContent(zipped.toByteArray());
        assertThat(info.size()).isEqualTo(zipped.size());
        try (var in = store().open("gzip/delta.tar.gz").orElseThrow()) {
            assertThat(in.readAllBytes()).isEqualTo(zipped.toByteArray());
        }
    }

    @Test
    void a_missing_bucket_has_a_name_of_its_own() {
        var nowhere = stores.bucket("no-such-bucket");
        assertFails(() -> nowhere.read("a"), Blame.DEPENDENCY, "s3-bucket-missing");
        assertFails(() -> nowhere.list("a"), Blame.DEPENDENCY, "s3-bucket-missing");
        assertFails(() -> nowhere.put("a", bytes("1")), Blame.DEPENDENCY, "s3-bucket-missing");
        assertFails(() -> nowhere.putIfAbsent("a", bytes("1")), Blame.DEPENDENCY, "s3-bucket-missing");
        assertFails(() -> nowhere.putIfMatch("a", bytes("1"), "x"), Blame.DEPENDENCY, "s3-bucket-missing");
    }

    @Test
    void a_lost_upload_in_parts_leaves_no_parts() throws IOException {
        var file = Files.write(directory.resolve("f"), new byte[65 << 20]);
        store().put("parts/a", bytes("first"));
        store().putIfAbsent("parts/a", file);
        assertThat(client.listMultipartUploads(r -> r.bucket(bucket).prefix("parts/"))
                        .uploads())
                .isEmpty();
    }

    @Test
    void parts_of_any_sizes_that_come_in_any_order_and_twice_are_one_object_in_their_order() throws IOException {
        var first = random(7 << 20);
        var second = random((5 << 20) + 1);
        var third = random(3);
        var upload = client.createMultipartUpload(r -> r.bucket(bucket).key("parts/b"))
                .uploadId();
        var parts = new ArrayList<CompletedPart>();
        parts.add(part(upload, 3, third));
        part(upload, 1, random(6 << 20));
        parts.addFirst(part(upload, 2, second));
        parts.addFirst(part(upload, 1, first));
        client.completeMultipartUpload(
                r -> r.bucket(bucket).key("parts/b").uploadId(upload).multipartUpload(m -> m.parts(parts)));
        store().copy("parts/b", "parts/copy");

        var whole = ByteBuffer.allocate(first.length + second.length + third.length)
                .put(first)
                .put(second)
                .put(third)
                .array();
        for (var key : List.of("parts/b", "parts/copy")) {
            assertThat(store().read(key).orElseThrow().bytes()).isEqualTo(whole);
            assertThat(range(key, 0, 9)).isEqualTo(Arrays.copyOf(whole, 10));
            assertThat(range(key, first.length - 2, whole.length - 2))
                    .isEqualTo(Arrays.copyOfRange(whole, first.length - 2, whole.length - 1));
        }
    }

    private CompletedPart part(String upload, int number, byte[] bytes) {
        var answer = client.uploadPart(
                r -> r.bucket(bucket).key("parts/b").uploadId(upload).partNumber(number), RequestBody.fromBytes(bytes));
        return CompletedPart.builder().partNumber(number).eTag(answer.eTag()).build();
    }

    private byte[] range(String key, int first, int last) {
        return client.getObjectAsBytes(r -> r.bucket(bucket).key(key).range("bytes=" + first + "-" + last))
                .asByteArray();
    }

    private static byte[] random(int size) {
        var bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    @Test
    void an_upload_that_nobody_ends_is_listed_and_can_be_given_up() {
        var begun = client.createMultipartUpload(r -> r.bucket(bucket).key("left/below/a"));
        client.uploadPart(
                r -> r.bucket(bucket)
                        .key("left/below/a")
                        .uploadId(begun.uploadId())
                        .partNumber(1),
                RequestBody.fromBytes(bytes("part")));
        client.createMultipartUpload(r -> r.bucket(bucket).key("left/beside"));

        var found = uploads("left/below/");
        assertThat(found).singleElement().satisfies(upload -> {
            assertThat(upload.key()).isEqualTo("left/below/a");
            assertThat(Duration.between(upload.begun(), store().now()).abs()).isLessThan(Duration.ofMinutes(1));
        });
        store().abort(found.getFirst());
        store().abort(found.getFirst());

        assertThat(uploads("left/below/")).isEmpty();
        assertThat(uploads("left/")).hasSize(1);
        uploads("left/").forEach(store()::abort);
    }

    private List<ObjectStore.OpenUpload> uploads(String prefix) {
        var found = new ArrayList<ObjectStore.OpenUpload>();
        store().uploads(prefix, found::add);
        return found;
    }
}
