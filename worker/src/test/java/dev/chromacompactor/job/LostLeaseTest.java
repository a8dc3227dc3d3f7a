package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.queue.Consumer;
import dev.chromacompactor.queue.Gate;
import dev.chromacompactor.queue.Sqs;
import dev.chromacompactor.queue.SqsSettings;
import dev.chromacompactor.snapshot.Interposed;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.PutOutcome;
import dev.chromacompactor.telemetry.Metrics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/** A real queue, a real publish: somebody else gets the message while its version is being uploaded. */
@Timeout(60)
class LostLeaseTest {
    private final CountDownLatch uploading = new CountDownLatch(1);
    private final CountDownLatch taken = new CountDownLatch(1);

    /** The last write before the pointer waits until the message is somebody else's, and the job knows. */
    private final class Slow extends Interposed {
        private boolean first = true;

        Slow() {
            super(new MemoryObjectStore("bucket"));
        }

        @Override
        public PutOutcome putIfAbsent(String key, byte[] body) {
            if (first && key.endsWith("/manifest.json")) {
                first = false;
                uploading.countDown();
                try {
                    taken.await();
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    // What a store does that does not look: it goes on, and so does the job.
                    Thread.currentThread().interrupt();
                }
            }
            return super.putIfAbsent(key, body);
        }
    }

    @TempDir
    private Path scratch;

    @Test
    void a_lost_lease_stops_the_job_before_it_publishes_and_whoever_has_the_message_does() throws Exception {
        var store = new Slow();
        var work = new Workplace(store, scratch);
        SmallDelta.writtenAt(Instant.parse("2026-11-02T08:00:00Z"))
                .upsert("a", 1)
                .put(store, "words/delta/one/", work.directory());
        work.done(StageMessages.processChunk("one", 0, "words", List.of(DELTA)));
        var servers = TestServers.shared();
        var settings = new SqsSettings(servers.region(), servers.sqsEndpoint());
        try (var client = SqsClient.builder()
                        .endpointOverride(servers.sqsEndpoint())
                        .region(Region.of(servers.region()))
                        .credentialsProvider(TestServers.CREDENTIALS)
                        .build();
                var sqs = new Sqs(settings, TestServers.CREDENTIALS)) {
            var url = client.createQueue(r -> r.queueName("lost-" + UUID.randomUUID()))
                    .queueUrl();
            var dead = client.createQueue(r -> r.queueName("lost-dlq-" + UUID.randomUUID()))
                    .queueUrl();
            client.sendMessage(
                    r -> r.queueUrl(url)
                            .messageBody(
                                    "{\"operation\":\"final_merge\",\"batch_id\":\"one\",\"database\":\"words\",\"total_chunks\":1}"));
            var consumer = new Consumer(
                    sqs.queue(url),
                    sqs.queue(dead),
                    work.jobs,
                    new MarksInBucket(store),
                    Gate.OPEN,
                    Metrics.none(),
                    new Consumer.Settings(1, Duration.ofSeconds(3), 3, "test"),
                    InstantSource.system());
            consumer.start();
            uploading.await();
            client.purgeQueue(r -> r.queueUrl(url));
            taken.countDown();

            await().until(() -> consumer.running() == 0);
            assertThat(work.catalog("words").live()).isInstanceOf(Live.None.class);
            assertThat(store.list("attempts/")).isEmpty();
            assertThat(sqs.queue(dead).depth().visible()).isZero();
            work.done("{\"operation\":\"final_merge\",\"batch_id\":\"one\",\"database\":\"words\",\"total_chunks\":1}");
            assertThat(work.live("words").contents().records()).isEqualTo(1);
            Thread.ofVirtual()
                    .start(() -> client.sendMessage(r -> r.queueUrl(url).messageBody("{}")));
            consumer.stop(Duration.ZERO);
        }
    }

    private static final DeltaRef DELTA = new DeltaRef(null, "words/delta/one/", "words", null, null);
}
