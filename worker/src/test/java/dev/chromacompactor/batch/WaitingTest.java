package dev.chromacompactor.batch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.telemetry.Backlog;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WaitingTest {
    private final Fixture it = new Fixture();
    private final Waiting waiting = new Waiting(it.bucket);

    @Test
    void nothing_waits_where_nothing_is_open() {
        assertThat(waiting.look()).isEmpty();
        it.bucket.put("words/delta/abc/chroma.sqlite3", "x".getBytes(UTF_8));
        assertThat(waiting.look()).isEmpty();
    }

    @Test
    void every_chunk_of_an_open_batch_waits_since_its_oldest_delta_was_written() {
        var _ = it.enqueue("b-1", Policy.PUBLISH, 3);
        var _ = it.enqueue("b-2", Policy.HOLD, 2);

        // The fixture's deltas were written 100 ms after the epoch.
        assertThat(waiting.look())
                .containsOnlyKeys("words")
                .containsValue(new Backlog(2, 5, 0, Instant.ofEpochMilli(100)));
    }

    @Test
    void a_marker_whose_plan_is_not_written_yet_counts_as_a_batch_without_chunks() {
        it.open.open("b-1");
        assertThat(waiting.look()).containsValue(new Backlog(1, 0, 0, null));
    }

    @Test
    void a_closed_batch_waits_no_more() {
        var _ = it.enqueue("b-1", Policy.PUBLISH, 3);
        assertThat(waiting.look()).isNotEmpty();

        it.open.close(List.of("b-1"));

        assertThat(waiting.look()).isEmpty();
    }

    @Test
    void a_second_look_reads_no_plan_again() {
        var _ = it.enqueue("b-1", Policy.PUBLISH, 50);
        var calls = new AtomicInteger();
        var counted = (ObjectStore) Proxy.newProxyInstance(
                ObjectStore.class.getClassLoader(), new Class<?>[] {ObjectStore.class}, (_, method, arguments) -> {
                    calls.incrementAndGet();
                    return method.invoke(it.bucket, arguments);
                });
        var cheap = new Waiting(counted);
        assertThat(cheap.look()).isNotEmpty();
        int first = calls.get();
        calls.set(0);

        assertThat(cheap.look()).isEqualTo(waiting.look());

        // Folders, markers of each prefix, the pointer: nothing for each chunk.
        assertThat(calls.get()).isLessThan(first).isLessThanOrEqualTo(6);
    }

    @Test
    void the_folder_of_a_database_is_all_that_tells_of_it() {
        assertThat(it.bucket.list("words/open/").stream().map(ObjectInfo::key)).isEmpty();
        var _ = it.enqueue("b-1", Policy.PUBLISH, 1);
        assertThat(it.bucket.folders("")).contains("words/", "batches/");
    }
}
