package dev.chromacompactor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.embedded.EmbeddedServers;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.store.S3Settings;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

class EmbeddedServersTest {
    @Test
    void the_standard_set_is_there_on_the_ports_asked_for() throws Exception {
        int sqsPort = freePort();
        int s3Port = freePort();
        try (var servers = EmbeddedServers.start(sqsPort, s3Port)) {
            assertThat(servers.sqsEndpoint()).hasHost("127.0.0.1").hasPort(sqsPort);
            assertThat(servers.s3Endpoint()).hasHost("127.0.0.1").hasPort(s3Port);
            var set = servers.createStandardSet(7, Duration.ofSeconds(30));
            assertThat(set.queueUrl()).startsWith(servers.sqsEndpoint().toString());

            try (var sqs = SqsClient.builder()
                    .endpointOverride(servers.sqsEndpoint())
                    .region(Region.of(servers.region()))
                    .credentialsProvider(TestServers.CREDENTIALS)
                    .build()) {
                assertThat(attributes(sqs, set.queueUrl()))
                        .containsEntry(QueueAttributeName.VISIBILITY_TIMEOUT, "30")
                        .hasEntrySatisfying(
                                QueueAttributeName.REDRIVE_POLICY,
                                p -> assertThat(p).contains(":compaction-dlq").contains("7"));
                assertThat(attributes(sqs, set.dlqUrl())).doesNotContainKey(QueueAttributeName.REDRIVE_POLICY);
            }
            try (var stores = new S3ObjectStores(
                    S3Settings.at(servers.s3Endpoint(), servers.region()), TestServers.CREDENTIALS)) {
                assertThat(stores.bucket(set.bucket()).list("")).isEmpty();
            }
        }
    }

    private static Map<QueueAttributeName, String> attributes(SqsClient sqs, String url) {
        return sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(QueueAttributeName.ALL))
                .attributes();
    }

    private static int freePort() throws Exception {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
