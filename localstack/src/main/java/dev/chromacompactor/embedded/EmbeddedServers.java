package dev.chromacompactor.embedded;

import com.typesafe.config.ConfigFactory;
import dev.chromacompactor.embedded.awssdk.DiskBlobStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import org.apache.pekko.actor.ActorSystem;
import org.elasticmq.NodeAddress;
import org.elasticmq.rest.sqs.SQSRestServer;
import org.elasticmq.rest.sqs.SQSRestServerBuilder;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * SQS (ElasticMQ) and S3 (S3Proxy over a store of our own, see {@link DiskBlobStore}) inside this process, on
 * 127.0.0.1 alone. Any credentials are accepted. Messages live in memory, objects in a temporary directory; both are
 * gone after {@link #close}.
 */
public final class EmbeddedServers implements AutoCloseable {
    private static final String HOST = "127.0.0.1";
    private static final String REGION = "us-east-1";

    static final int MAX_RECEIVE_COUNT = 20;
    static final Duration VISIBILITY = Duration.ofMinutes(5);

    private final ActorSystem actors;
    private final URI sqsEndpoint;
    private final S3Proxy s3;
    private final DiskBlobStore objects;
    private final Path directory;

    private EmbeddedServers(ActorSystem actors, SQSRestServer sqs, S3Proxy s3, DiskBlobStore objects, Path directory) {
        this.actors = actors;
        this.sqsEndpoint = URI.create(
                "http://" + HOST + ":" + sqs.waitUntilStarted().localAddress().getPort());
        this.s3 = s3;
        this.objects = objects;
        this.directory = directory;
    }

    /** Where the standard set is to be found. */
    public record StandardSet(String queueUrl, String dlqUrl, String bucket) {}

    /** @param sqsPort 0 picks a free one, as does {@code s3Port} */
    public static EmbeddedServers start(int sqsPort, int s3Port) {
        var actors = actors();
        try {
            var sqs = startSqs(actors, sqsPort);
            var directory = Files.createTempDirectory("compactor-s3-");
            var objects = new DiskBlobStore(directory);
            var s3 = S3Proxy.builder()
                    .blobStore(objects)
                    .endpoint(URI.create("http://" + HOST + ":" + s3Port))
                    .awsAuthentication(AuthenticationType.NONE, "any", "any")
                    .ignoreUnknownHeaders(true)
                    .stopTimeout(0)
                    .build();
            s3.start();
            return new EmbeddedServers(actors, sqs, s3, objects, directory);
        } catch (Exception e) {
            stop(actors);
            throw new IllegalStateException("start the embedded S3 on port " + s3Port, e);
        }
    }

    /**
     * A system of our own under ElasticMQ: its own way to stop waits for every long poll that is under way, up to 20
     * seconds; ending the actors ends them at once. When to stop is our decision, so no hook of theirs takes part in it.
     */
    private static ActorSystem actors() {
        return ActorSystem.create(
                "sqs",
                ConfigFactory.parseMap(Map.of(
                                "pekko.coordinated-shutdown.run-by-jvm-shutdown-hook", "off",
                                "pekko.jvm-shutdown-hooks", "off"))
                        .withFallback(ConfigFactory.load()));
    }

    private static void stop(ActorSystem actors) {
        var _ = actors.terminate();
        actors.getWhenTerminated().toCompletableFuture().join();
    }

    private static SQSRestServer startSqs(ActorSystem actors, int port) {
        var builder =
                SQSRestServerBuilder.withActorSystem(actors).withInterface(HOST).withAWSRegion(REGION);
        return port == 0
                ? builder.withDynamicPort().start()
                : builder.withPort(port)
                        .withServerAddress(new NodeAddress("http", HOST, port, ""))
                        .start();
    }

    public URI sqsEndpoint() {
        return sqsEndpoint;
    }

    public URI s3Endpoint() {
        return URI.create("http://" + HOST + ":" + s3.getPort());
    }

    /** The region in queue ARNs; requests may be signed for any. */
    public String region() {
        return REGION;
    }

    /** {@link #createStandardSet(int, Duration)} with 20 receives and five minutes. */
    public StandardSet createStandardSet() {
        return createStandardSet(MAX_RECEIVE_COUNT, VISIBILITY);
    }

    /**
     * Makes the queue {@code compaction}, its dead-letter queue {@code compaction-dlq} and the bucket {@code chroma}.
     * ElasticMQ keeps messages for ever, so a retention period is neither set nor reported.
     *
     * @param maxReceiveCount receives before SQS itself moves a message to the dead-letter queue
     * @param visibility how long a received message stays hidden
     */
    public StandardSet createStandardSet(int maxReceiveCount, Duration visibility) {
        objects.createContainer("chroma");
        try (var client = SqsClient.builder()
                .endpointOverride(sqsEndpoint)
                .region(Region.of(REGION))
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("any", "any")))
                .build()) {
            var queues = QueuePair.create(client, "compaction", maxReceiveCount, visibility);
            return new StandardSet(queues.url(), queues.dlqUrl(), "chroma");
        }
    }

    @Override
    public void close() {
        try {
            s3.stop();
        } catch (Exception e) {
            throw new IllegalStateException("stop the embedded S3", e);
        } finally {
            stop(actors);
            objects.close();
            deleteTree(directory);
        }
    }

    private static void deleteTree(Path directory) {
        try (var files = Files.walk(directory)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
