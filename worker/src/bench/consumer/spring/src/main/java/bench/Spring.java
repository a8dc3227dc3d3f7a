package bench;

import io.awspring.cloud.sqs.config.SqsMessageListenerContainerFactory;
import io.awspring.cloud.sqs.listener.SqsMessageListenerContainer;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.messaging.Message;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** Spring Cloud AWS with empty jobs: its defaults (ten messages at once, acknowledged by ten or each second). */
public final class Spring {
    public static void main(String[] arguments) throws InterruptedException {
        var environment = System.getenv();
        var handled = new AtomicInteger();
        int warmUp = Integer.parseInt(environment.get("WARM_UP"));
        var client = SqsAsyncClient.builder()
                .endpointOverride(URI.create(environment.get("AWS_ENDPOINT_URL_SQS")))
                .region(Region.of(environment.get("AWS_REGION")))
                .build();
        var factory = SqsMessageListenerContainerFactory.<String>builder()
                .sqsAsyncClient(client)
                .configure(options -> options.messageVisibility(Duration.ofMinutes(5))
                        .maxConcurrentMessages(10 * Integer.parseInt(environment.get("CONCURRENCY"))))
                .messageListener((Message<String> message) -> {
                    if (handled.incrementAndGet() == warmUp) {
                        System.out.println("warm " + System.currentTimeMillis());
                    }
                    if (message.getPayload().contains("poison")) {
                        throw new IllegalArgumentException("so says its body");
                    }
                })
                .build();
        SqsMessageListenerContainer<String> container = factory.createContainer(environment.get("QUEUE_URL"));
        container.start();
        new CountDownLatch(1).await();
    }
}
