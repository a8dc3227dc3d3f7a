package dev.chromacompactor.queue;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.embedded.EmbeddedServers;
import java.util.Map;
import java.util.UUID;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Fresh queues on one embedded SQS that all tests of this JVM share. */
final class Queues {
    private static final EmbeddedServers SERVERS = TestServers.shared();

    static final SqsSettings SETTINGS = new SqsSettings(SERVERS.region(), SERVERS.sqsEndpoint());
    static final Sqs SQS = new Sqs(SETTINGS, TestServers.CREDENTIALS);
    static final SqsClient CLIENT = SqsClient.builder()
            .endpointOverride(SERVERS.sqsEndpoint())
            .region(Region.of(SERVERS.region()))
            .credentialsProvider(TestServers.CREDENTIALS)
            .build();

    private Queues() {}

    static SqsQueue fresh() {
        return fresh(Map.of());
    }

    static SqsQueue fresh(Map<QueueAttributeName, String> attributes) {
        return SQS.queue(
                CLIENT.createQueue(r -> r.queueName("q-" + UUID.randomUUID()).attributes(attributes))
                        .queueUrl());
    }

    static MessageAttributeValue text(String value) {
        return MessageAttributeValue.builder()
                .dataType("String")
                .stringValue(value)
                .build();
    }
}
