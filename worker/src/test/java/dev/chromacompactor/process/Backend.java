package dev.chromacompactor.process;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.store.S3Settings;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A {@code compactor dev} that the test classes share; each works in queues and a database of its own. */
final class Backend {
    /** For what takes a second on a machine that has nothing else to do. */
    static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final StaticCredentialsProvider ANY =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("any", "any"));

    private final JsonNode ready;
    private final SqsClient sqs;
    private final S3ObjectStores stores;

    private Backend(JsonNode ready) {
        this.ready = ready;
        this.sqs = SqsClient.builder()
                .endpointOverride(URI.create(text("sqs_endpoint")))
                .region(Region.of(text("region")))
                .credentialsProvider(ANY)
                .build();
        this.stores = new S3ObjectStores(S3Settings.at(URI.create(text("s3_endpoint")), text("region")), ANY);
    }

    static Backend shared() {
        return Shared.BACKEND;
    }

    /** Waits for the line of {@code dev --json}. */
    static JsonNode ready(Program dev) {
        await().atMost(PATIENCE).until(() -> dev.out().contains("\n"));
        return new Program.Result(0, dev.out(), dev.err()).json();
    }

    ObjectStore bucket() {
        return stores.bucket(text("bucket"));
    }

    /** A work queue with its dead-letter queue. */
    record Queues(String url, String deadLetters) {}

    Queues queues(String name) {
        var dead = sqs.createQueue(request -> request.queueName(name + "-dlq")).queueUrl();
        var arn = sqs.getQueueAttributes(request -> request.queueUrl(dead).attributeNames(QueueAttributeName.QUEUE_ARN))
                .attributes()
                .get(QueueAttributeName.QUEUE_ARN);
        var redrive = "{\"deadLetterTargetArn\":\"" + arn + "\",\"maxReceiveCount\":\"20\"}";
        var url = sqs.createQueue(request ->
                        request.queueName(name).attributes(Map.of(QueueAttributeName.REDRIVE_POLICY, redrive)))
                .queueUrl();
        return new Queues(url, dead);
    }

    void delete(String url) {
        var _ = sqs.deleteQueue(request -> request.queueUrl(url));
    }

    void send(String url, String body) {
        var _ = sqs.sendMessage(request -> request.queueUrl(url).messageBody(body));
    }

    int visible(String url) {
        return count(url, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES);
    }

    /** Messages there at all, visible or held. */
    int messages(String url) {
        return visible(url) + count(url, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE);
    }

    private int count(String url, QueueAttributeName name) {
        return Integer.parseInt(
                sqs.getQueueAttributes(request -> request.queueUrl(url).attributeNames(name))
                        .attributes()
                        .get(name));
    }

    /** What every command needs to find these servers. */
    Map<String, String> environment(Queues queues, String... more) {
        var environment = new HashMap<>(Map.of(
                "AWS_ENDPOINT_URL_SQS", text("sqs_endpoint"),
                "AWS_ENDPOINT_URL_S3", text("s3_endpoint"),
                "AWS_REGION", text("region"),
                "AWS_ACCESS_KEY_ID", "any",
                "AWS_SECRET_ACCESS_KEY", "any",
                "COMPACTOR_QUEUE_URL", queues.url(),
                "COMPACTOR_DLQ_URL", queues.deadLetters(),
                "COMPACTOR_BUCKET", text("bucket")));
        for (int i = 0; i < more.length; i += 2) {
            environment.put(more[i], more[i + 1]);
        }
        return environment;
    }

    /** The live manifest, if something is published. */
    Optional<Manifest> live(String database) {
        return new SnapshotCatalog(bucket(), database).live() instanceof Live.Ours ours
                ? Optional.of(ours.manifest())
                : Optional.empty();
    }

    private String text(String name) {
        return ready.path(name).asText();
    }

    private static final class Shared {
        static final Backend BACKEND = start();

        private static Backend start() {
            var dev = Program.start(Map.of(), "dev", "--json");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> dev.signal("TERM"), "stop-dev"));
            return new Backend(ready(dev));
        }
    }
}
