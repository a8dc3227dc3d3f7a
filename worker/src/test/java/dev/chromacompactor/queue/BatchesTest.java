package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BatchesTest {
    @Test
    void a_call_that_fails_in_an_unforeseen_way_does_not_end_the_sending() throws Exception {
        var failed = new AtomicInteger();
        var sent = new LinkedBlockingQueue<String>();
        var batches = new Batches<String>("test", Duration.ofMillis(1), () -> 0, 2, some -> {
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

    @Test
    void what_nothing_can_follow_does_not_wait_for_others() throws Exception {
        var sent = new LinkedBlockingQueue<List<String>>();
        var all = new AtomicInteger(2);
        var batches = new Batches<String>("test", Duration.ofHours(1), all::get, 1, sent::add);
        batches.start();

        batches.add("first");
        batches.add("second");
        assertThat(sent.poll(10, TimeUnit.SECONDS)).containsExactly("first", "second");

        all.set(4);
        batches.add("third");
        batches.add("fourth");
        assertThat(sent.poll(50, TimeUnit.MILLISECONDS)).as("two more may come").isNull();
        all.set(2);
        assertThat(sent.poll(10, TimeUnit.SECONDS)).containsExactly("third", "fourth");
        batches.stop(Duration.ofSeconds(1));
    }
}
