package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chromacompactor.Service;
import dev.chromacompactor.deploy.Template;
import dev.chromacompactor.realchroma.PythonEnvironment;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.store.S3Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** The stack of {@code deploy/compactor.yaml}, created on LocalStack; and a worker on the queues and the bucket that it made. */
@EnabledIf(
        value = "dev.chromacompactor.Service#isGiven",
        disabledReason = "CHROMA_TEST_ENDPOINT is not set; make test LOCALSTACK=1 sets it")
class StackIT {
    private static final String DATABASE = "words";
    /** LocalStack has none of these and says that it made them: it puts a stand-in in their place. */
    private static final List<String> STAND_INS = List.of(
            "AWS::ECS::Cluster",
            "AWS::ECS::TaskDefinition",
            "AWS::ECS::Service",
            "AWS::ApplicationAutoScaling::ScalableTarget",
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            "AWS::CloudWatch::Dashboard");

    private final Service service = Service.given();
    private final String endpoint = service.endpoint().toString();

    @TempDir
    private Path directory;

    @Test
    void the_stack_is_created_and_a_worker_publishes_through_its_queues_and_bucket() throws Exception {
        assumeThat(System.getenv("CHROMA_TEST_BACKEND"))
                .as("only LocalStack takes a network and an image that are not there")
                .isEqualTo("localstack");
        var name = "it-" + UUID.randomUUID().toString().substring(0, 8);

        var stack = driver("create", endpoint, service.region(), name, Template.FILE.toString());
        assertThat(stack.path("status").asText()).as(stack.toString()).isEqualTo("CREATE_COMPLETE");
        everythingThatLocalStackHasWasMade(stack);
        theQueuesAreAsWritten(stack);
        aWorkerPublishes(stack);

        var gone = driver("delete", endpoint, service.region(), name);
        assertThat(gone.path("status").asText()).isEqualTo("DELETE_COMPLETE");
    }

    private static void everythingThatLocalStackHasWasMade(JsonNode stack) {
        assertThat(stack.path("resources").properties()).hasSizeGreaterThan(20).allSatisfy(each -> {
            var resource = each.getValue();
            assertThat(resource.path("status").asText()).as(each.getKey()).isEqualTo("CREATE_COMPLETE");
            assertThat(resource.path("why").asText().contains("fallback"))
                    .as("%s is a stand-in", each.getKey())
                    .isEqualTo(STAND_INS.contains(resource.path("type").asText()));
        });
        assertThat(stack.path("alarms")).hasSize(5);
        assertThat(stack.path("worker").toString()).contains("sqs:ReceiveMessage", output(stack, "BucketName"));
        assertThat(stack.path("policy").toString()).contains("s3:if-none-match", "aws:SecureTransport");
        // It keeps policies and enforces none; deploy/README.md says so.
        assertThat(stack.path("refused").asBoolean()).isFalse();
    }

    private void theQueuesAreAsWritten(JsonNode stack) {
        try (var sqs = sqs()) {
            var work = attributes(sqs, output(stack, "QueueUrl"));
            var letters = attributes(sqs, output(stack, "DeadLetterQueueUrl"));
            assertThat(work.get(QueueAttributeName.REDRIVE_POLICY))
                    .contains(letters.get(QueueAttributeName.QUEUE_ARN), "20");
            assertThat(letters.get(QueueAttributeName.REDRIVE_ALLOW_POLICY))
                    .contains(work.get(QueueAttributeName.QUEUE_ARN));
            assertThat(letters.get(QueueAttributeName.MESSAGE_RETENTION_PERIOD)).isEqualTo("1209600");
            assertThat(work.get(QueueAttributeName.SQS_MANAGED_SSE_ENABLED)).isEqualTo("true");
            assertThat(work.get(QueueAttributeName.POLICY)).contains("aws:SecureTransport");
        }
    }

    private SqsClient sqs() {
        return SqsClient.builder()
                .endpointOverride(service.endpoint())
                .region(Region.of(service.region()))
                .credentialsProvider(service.credentials())
                .build();
    }

    private static Map<QueueAttributeName, String> attributes(SqsClient sqs, String url) {
        return sqs.getQueueAttributes(request -> request.queueUrl(url).attributeNames(QueueAttributeName.ALL))
                .attributes();
    }

    private void aWorkerPublishes(JsonNode stack) throws Exception {
        var environment = new HashMap<>(Map.of(
                "AWS_ENDPOINT_URL",
                endpoint,
                "AWS_REGION",
                service.region(),
                "AWS_ACCESS_KEY_ID",
                "any",
                "AWS_SECRET_ACCESS_KEY",
                "any"));
        // The template's descriptions say which output is which variable.
        Template.outputs().properties().forEach(each -> {
            var description = each.getValue().path("Description").asText();
            if (description.startsWith("COMPACTOR_")) {
                environment.put(description, output(stack, each.getKey()));
            }
        });
        assertThat(environment)
                .containsKeys(
                        "COMPACTOR_QUEUE_URL", "COMPACTOR_DLQ_URL", "COMPACTOR_RESULTS_QUEUE_URL", "COMPACTOR_BUCKET");
        try (var stores =
                        new S3ObjectStores(S3Settings.at(service.endpoint(), service.region()), service.credentials());
                var worker = Program.start(environment, "worker")) {
            var bucket = stores.bucket(output(stack, "BucketName"));
            var _ = SmallDeltas.put(bucket, DATABASE, 4, directory);
            var sent = Program.run(
                    environment,
                    "enqueue",
                    "--database",
                    DATABASE,
                    "--prefix",
                    DATABASE + "/delta/",
                    "--chunk-size",
                    "2",
                    "--watch",
                    "--json");

            assertThat(sent.code()).as(sent.err() + worker.err()).isZero();
            assertThat(new SnapshotCatalog(bucket, DATABASE).live()).isInstanceOfSatisfying(Live.Ours.class, live -> {
                assertThat(live.manifest().contents().records()).isEqualTo(4 * SmallDeltas.RECORDS);
            });
            theEventCame(stack);
        }
    }

    private void theEventCame(JsonNode stack) {
        try (var sqs = sqs()) {
            await().atMost(Backend.PATIENCE)
                    .untilAsserted(() -> assertThat(attributes(sqs, output(stack, "ResultsQueueUrl"))
                                    .get(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES))
                            .isNotEqualTo("0"));
        }
    }

    private static String output(JsonNode stack, String key) {
        return StreamSupport.stream(stack.path("outputs").spliterator(), false)
                .filter(each -> each.path("OutputKey").asText().equals(key))
                .map(each -> each.path("OutputValue").asText())
                .findFirst()
                .orElseThrow();
    }

    private JsonNode driver(String... arguments) throws Exception {
        var out = directory.resolve("driver.out");
        var command = new ArrayList<>(List.of(
                PythonEnvironment.of("boto3").toString(),
                PythonEnvironment.SCRIPTS.resolve("stack_driver.py").toString()));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        int code = process.waitFor();
        var said = Files.readString(out);
        assertThat(code).as(said).isZero();
        return new ObjectMapper().readTree(said);
    }
}
