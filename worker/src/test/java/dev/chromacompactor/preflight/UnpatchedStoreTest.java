package dev.chromacompactor.preflight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.preflight.Finding.Level;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.store.S3Settings;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** S3Proxy's own store compares an ETag first and writes afterwards. One race may come out right; twenty do not. */
class UnpatchedStoreTest {
    @TempDir
    Path directory;

    @Test
    void a_real_store_that_is_not_atomic_is_found_out() throws Exception {
        assumeTrue(
                System.getenv("CI") != null || Files.getFileStore(directory).supportsFileAttributeView("user"),
                "the store keeps what it knows of objects in extended attributes");
        var server = S3Proxy.builder()
                .blobStore(new FilesystemNio2BlobStore(directory.toString()))
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.NONE, "any", "any")
                .ignoreUnknownHeaders(true)
                .stopTimeout(0)
                .build();
        server.start();
        var endpoint = URI.create("http://127.0.0.1:" + server.getPort());
        try (var client = S3Client.builder()
                        .endpointOverride(endpoint)
                        .region(Region.US_EAST_1)
                        .forcePathStyle(true)
                        .credentialsProvider(TestServers.CREDENTIALS)
                        .build();
                var stores = new S3ObjectStores(S3Settings.at(endpoint, "us-east-1"), TestServers.CREDENTIALS)) {
            client.createBucket(r -> r.bucket("unpatched"));
            var facts = new BucketProbe(
                            stores.bucket("unpatched"), () -> stores.lifecycle("unpatched"), InstantSource.system(), 20)
                    .ask();
            assertThat(BucketChecks.of(facts))
                    .filteredOn(each -> each.level() == Level.PROBLEM)
                    .singleElement()
                    .satisfies(each -> assertThat(each.reason()).isEqualTo("condition-not-atomic"));
        } finally {
            server.stop();
        }
    }
}
