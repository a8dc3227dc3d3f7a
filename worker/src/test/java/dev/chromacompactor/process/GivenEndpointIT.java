package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.Service;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.Bucket;
import software.amazon.awssdk.services.sqs.SqsClient;

/** What {@link EndToEndIT} shows, on LocalStack or whatever else is given; and the demo there. */
@EnabledIf(
        value = "dev.chromacompactor.Service#isGiven",
        disabledReason = "CHROMA_TEST_ENDPOINT is not set; make test LOCALSTACK=1 sets it")
class GivenEndpointIT extends EndToEndIT {
    private final Service service = Service.given();

    @TempDir
    private Path demo;

    @Override
    Backend backend() {
        return Backend.given();
    }

    @Test
    void the_demo_tells_its_story_there_and_leaves_nothing() {
        var environment = Map.of("AWS_REGION", service.region());

        var told = Program.run(
                environment,
                "demo",
                "--on",
                service.endpoint().toString(),
                "--out",
                demo.resolve("snapshot").toString());

        assertThat(told.code()).as("%s%s", told.out(), told.err()).isZero();
        assertThat(told.out())
                .contains("made at " + service.endpoint(), "refused, ", "The snapshot is complete")
                .doesNotContain("inside this process");
        assertThat(demo.resolve("snapshot/chroma.sqlite3")).exists();
        assertThat(bucketsAndQueues()).isNotEmpty().noneMatch(name -> name.contains("compactor-demo-"));
    }

    private List<String> bucketsAndQueues() {
        try (var s3 = S3Client.builder()
                        .endpointOverride(service.endpoint())
                        .region(Region.of(service.region()))
                        .credentialsProvider(service.credentials())
                        .forcePathStyle(true)
                        .build();
                var sqs = SqsClient.builder()
                        .endpointOverride(service.endpoint())
                        .region(Region.of(service.region()))
                        .credentialsProvider(service.credentials())
                        .build()) {
            var names = new ArrayList<>(sqs.listQueues().queueUrls());
            s3.listBuckets().buckets().stream().map(Bucket::name).forEach(names::add);
            return names;
        }
    }
}
