package dev.chromacompactor.process;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.Deviation;
import dev.chromacompactor.Service;
import dev.chromacompactor.TestServers;
import dev.chromacompactor.embedded.TemporarySet;
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
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** SQS and S3 that the test classes share; each works in queues and a database of its own. */
final class Backend {
    /** For what takes a second on a machine that has nothing else to do. */
    static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Service queueing;
    private final Service storing;
    private final String bucket;
    private final SqsClient sqs;
    private final S3ObjectStores stores;

    private Backend(Service queueing, Service storing, String bucket) {
        this.queueing = queueing;
        this.storing = storing;
        this.bucket = bucket;
        this.sqs = SqsClient.builder()
                .endpointOverride(queueing.endpoint())
                .region(Region.of(queueing.region()))
                .credentialsProvider(queueing.credentials())
                .build();
        this.stores = new S3ObjectStores(S3Settings.at(storing.endpoint(), storing.region()), storing.credentials());
    }

    /** A {@code compactor dev}. */
    static Backend shared() {
        return Shared.BACKEND;
    }

    /** The endpoint that {@link Service} finds in the environment. */
    static Backend given() {
        return Given.BACKEND;
    }

    /** Waits for the line of {@code dev --json}. */
    static JsonNode ready(Program dev) {
        await().atMost(PATIENCE).until(() -> dev.out().contains("\n"));
        return new Program.Result(0, dev.out(), dev.err()).json();
    }

    URI sqsEndpoint() {
        return queueing.endpoint();
    }

    URI s3Endpoint() {
        return storing.endpoint();
    }

    ObjectStore bucket() {
        return stores.bucket(bucket);
    }

    /** A bucket of one's own: what is paused or swept in it is nobody else's. */
    ObjectStore makeBucket(String name) {
        try (var client = S3Client.builder()
                .endpointOverride(storing.endpoint())
                .region(Region.of(storing.region()))
                .forcePathStyle(true)
                .credentialsProvider(storing.credentials())
                .build()) {
            var _ = client.createBucket(request -> request.bucket(name));
        }
        return stores.bucket(name);
    }

    /** A work queue with its dead-letter queue. */
    record Queues(String url, String deadLetters) {}

    Queues queues(String name) {
        return queues(name, 20);
    }

    /** @param maxReceives before SQS itself moves a message */
    Queues queues(String name, int maxReceives) {
        var dead = sqs.createQueue(request -> request.queueName(name + "-dlq")).queueUrl();
        var arn = sqs.getQueueAttributes(request -> request.queueUrl(dead).attributeNames(QueueAttributeName.QUEUE_ARN))
                .attributes()
                .get(QueueAttributeName.QUEUE_ARN);
        var redrive = "{\"deadLetterTargetArn\":\"" + arn + "\",\"maxReceiveCount\":\"" + maxReceives + "\"}";
        var url = sqs.createQueue(request ->
                        request.queueName(name).attributes(Map.of(QueueAttributeName.REDRIVE_POLICY, redrive)))
                .queueUrl();
        return new Queues(url, dead);
    }

    void delete(String url) {
        var _ = sqs.deleteQueue(request -> request.queueUrl(url));
    }

    void purge(String url) {
        var _ = sqs.purgeQueue(request -> request.queueUrl(url));
    }

    void send(String url, String body) {
        var _ = sqs.sendMessage(request -> request.queueUrl(url).messageBody(body));
    }

    int visible(String url) {
        return count(url, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES);
    }

    /** Messages there at all, visible or held: of one answer, as a message that changes from held to visible between two would be in neither. */
    int messages(String url) {
        return count(
                url,
                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE);
    }

    private int count(String url, QueueAttributeName... names) {
        return sqs
                .getQueueAttributes(request -> request.queueUrl(url).attributeNames(names))
                .attributes()
                .values()
                .stream()
                .mapToInt(Integer::parseInt)
                .sum();
    }

    /** What every command needs to find these servers. */
    Map<String, String> environment(Queues queues, String... more) {
        var credentials = storing.credentials().resolveCredentials();
        var environment = new HashMap<>(Map.of(
                "AWS_ENDPOINT_URL_SQS", queueing.endpoint().toString(),
                "AWS_ENDPOINT_URL_S3", storing.endpoint().toString(),
                "AWS_REGION", storing.region(),
                "AWS_ACCESS_KEY_ID", credentials.accessKeyId(),
                "AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey(),
                "COMPACTOR_QUEUE_URL", queues.url(),
                "COMPACTOR_DLQ_URL", queues.deadLetters(),
                "COMPACTOR_BUCKET", bucket));
        if (credentials instanceof AwsSessionCredentials session) {
            environment.put("AWS_SESSION_TOKEN", session.sessionToken());
        }
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

    private static final class Shared {
        static final Backend BACKEND = start();

        private static Backend start() {
            var dev = Program.start(Map.of(), "dev", "--json");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> dev.signal("TERM"), "stop-dev"));
            var ready = ready(dev);
            return new Backend(
                    service(ready, "sqs_endpoint"),
                    service(ready, "s3_endpoint"),
                    ready.path("bucket").asText());
        }

        private static Service service(JsonNode ready, String endpoint) {
            return new Service(
                    URI.create(ready.path(endpoint).asText()),
                    ready.path("region").asText(),
                    TestServers.CREDENTIALS,
                    Deviation.OF_THE_EMBEDDED);
        }
    }

    private static final class Given {
        static final Backend BACKEND = start();

        private static Backend start() {
            var service = Service.given();
            var set = new TemporarySet(service.endpoint(), service.region(), service.credentials(), "compactor-it-");
            Runtime.getRuntime().addShutdownHook(new Thread(set::close, "remove-bucket"));
            return new Backend(service, service, set.make().bucket());
        }
    }
}
