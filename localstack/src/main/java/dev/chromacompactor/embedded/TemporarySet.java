package dev.chromacompactor.embedded;

import dev.chromacompactor.embedded.EmbeddedServers.StandardSet;
import java.net.URI;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CreateBucketRequest;
import software.amazon.awssdk.services.s3.model.NoSuchBucketException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;

/**
 * A queue, its dead-letter queue and a bucket with names that nobody else has, at an endpoint that speaks SQS and S3, such
 * as LocalStack. {@link #close} removes what was made of them, with all that is in it.
 */
public final class TemporarySet implements AutoCloseable {
    private final SqsClient sqs;
    private final S3Client s3;
    private final Region region;
    private final String name;

    /** @param prefix of the names, which end in a random part */
    public TemporarySet(URI endpoint, String region, AwsCredentialsProvider credentials, String prefix) {
        this.region = Region.of(region);
        this.name = prefix + UUID.randomUUID();
        this.sqs = SqsClient.builder()
                .endpointOverride(endpoint)
                .region(this.region)
                .credentialsProvider(credentials)
                .build();
        this.s3 = S3Client.builder()
                .endpointOverride(endpoint)
                .region(this.region)
                .credentialsProvider(credentials)
                .forcePathStyle(true)
                .build();
    }

    /** With the settings of {@link EmbeddedServers#createStandardSet()}; failures are the SDK's. */
    public StandardSet make() {
        var bucket = CreateBucketRequest.builder().bucket(name);
        if (!region.equals(Region.US_EAST_1)) { // of which it must not be said
            bucket.createBucketConfiguration(c -> c.locationConstraint(region.id()));
        }
        s3.createBucket(bucket.build());
        var queues = QueuePair.create(sqs, name, EmbeddedServers.MAX_RECEIVE_COUNT, EmbeddedServers.VISIBILITY);
        return new StandardSet(queues.url(), queues.dlqUrl(), name);
    }

    @Override
    public void close() {
        try (sqs;
                s3) {
            deleteQueue(name);
            deleteQueue(QueuePair.dlqOf(name));
            deleteBucket();
        }
    }

    private void deleteQueue(String queue) {
        try {
            var url = sqs.getQueueUrl(r -> r.queueName(queue)).queueUrl();
            sqs.deleteQueue(r -> r.queueUrl(url));
        } catch (QueueDoesNotExistException e) {
            // It was not made, or somebody was faster.
        }
    }

    private void deleteBucket() {
        try {
            for (var page : s3.listObjectsV2Paginator(r -> r.bucket(name))) {
                var keys = page.contents().stream()
                        .map(object ->
                                ObjectIdentifier.builder().key(object.key()).build())
                        .toList();
                if (!keys.isEmpty()) {
                    s3.deleteObjects(r -> r.bucket(name).delete(d -> d.objects(keys)));
                }
            }
            s3.deleteBucket(r -> r.bucket(name));
        } catch (NoSuchBucketException e) {
            // It was not made, or somebody was faster.
        }
    }
}
