package dev.chromacompactor.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.failure.Blame;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** {@link ObjectStoreContract} on something that speaks S3, and what only such a thing can show. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class S3Contract extends ObjectStoreContract {
    private static final String BUCKET = "contract";

    private S3Client client;
    private S3ObjectStores stores;

    abstract URI endpoint();

    abstract String region();

    @BeforeAll
    void connect() {
        client = S3Client.builder()
                .endpointOverride(endpoint())
                .region(Region.of(region()))
                .forcePathStyle(true)
                .credentialsProvider(TestServers.CREDENTIALS)
                .build();
        if (client.listBuckets().buckets().stream().noneMatch(b -> b.name().equals(BUCKET))) {
            client.createBucket(r -> r.bucket(BUCKET));
        }
        stores = new S3ObjectStores(S3Settings.at(endpoint(), region()), TestServers.CREDENTIALS);
    }

    @AfterAll
    void disconnect() {
        stores.close();
        client.close();
    }

    @Override
    ObjectStore store() {
        return stores.bucket(BUCKET);
    }

    @Test
    void gzip_arrives_as_stored() throws IOException {
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write(bytes("hello ".repeat(1000)));
        }
        client.putObject(
                r -> r.bucket(BUCKET).key("gzip/delta.tar.gz").contentEncoding("gzip"),
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
        assertThat(client.listMultipartUploads(r -> r.bucket(BUCKET).prefix("parts/"))
                        .uploads())
                .isEmpty();
    }
}
