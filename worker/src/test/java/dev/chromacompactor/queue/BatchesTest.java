package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BatchesTest {
    @Test
    void a_call_that_fails_in_an_unforeseen_way_does_not_end_the_sending() throws Exception {
        var failed = new AtomicInteger();
        var sent = new LinkedBlockingQueue<String>();
        var batches = new Batches<String>("test", Duration.ofMillis(1), 2, some -> {
            if (some.contains("bad")) {
                failed.incrementAndGet();
                throw new IllegalStateException("a test");
            }
            sent.addAll(some);
        });
        batches.start();

        // More often than there are threads.
        for (int i = 1; i <= 3; i++) {
            int times = i;
            batches.add("bad");
            await().until(() -> failed.get() == times);
        }
        batches.add("good");
        await().until(() -> !sent.isEmpty());
        assertThat(sent).containsExactly("good");
        batches.stop(Duration.ofSeconds(1));
    }
}
