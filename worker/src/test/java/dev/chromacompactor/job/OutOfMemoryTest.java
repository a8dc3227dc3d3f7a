package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.chromacompactor.compaction.Budget;
import dev.chromacompactor.compaction.Footprint;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.ObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Memory that runs out at any call of the store, first to last: the error comes out (the queue hands the message back), scratch
 * is empty, the budget is whole, and the same message done again gives what it would have given.
 */
class OutOfMemoryTest {
    private static final Footprint TOTAL = new Footprint(1L << 40, 1L << 40, 1L << 40);

    @TempDir
    Path scratch;

    private final MemoryObjectStore memory = new MemoryObjectStore("bucket");
    /** Calls until the memory is used up; below zero: never. */
    private final AtomicInteger left = new AtomicInteger(-1);

    private ObjectStore running() {
        return (ObjectStore) Proxy.newProxyInstance(
                ObjectStore.class.getClassLoader(), new Class<?>[] {ObjectStore.class}, (_, method, arguments) -> {
                    if (left.getAndDecrement() == 0) {
                        throw new OutOfMemoryError("test");
                    }
                    try {
                        return method.invoke(memory, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void wherever_it_happens_nothing_is_left_and_the_message_can_be_done_again() {
        for (String name : List.of("a", "b")) {
            var _ = SmallDelta.writtenAt(Instant.parse("2026-11-02T08:00:00Z"))
                    .upsert(name, 1)
                    .put(memory, "words/delta/" + name + "/", scratch);
        }
        Budget budget = Room.of(scratch.resolve("jobs"), TOTAL, Duration.ofMinutes(1));
        var work = new Workplace(running(), scratch, budget);

        int chunk = untilDone(
                work,
                budget,
                StageMessages.processChunk(
                        "one",
                        0,
                        "words",
                        List.of(
                                new DeltaRef(null, "words/delta/a/", null, null, null),
                                new DeltaRef(null, "words/delta/b/", null, null, null))));
        int publish = untilDone(work, budget, """
                {"operation":"final_merge","batch_id":"one","database":"words","total_chunks":1}""");

        assertThat(chunk).isGreaterThan(5);
        assertThat(publish).isGreaterThan(10);
        assertThat(work.live("words").contents().records()).isEqualTo(2);
        assertThat(work.digestOfFiles("words")).isEqualTo(work.digest("words"));
    }

    /** How many errors it took. */
    private int untilDone(Workplace work, Budget budget, String body) {
        for (int calls = 0; ; calls++) {
            left.set(calls);
            Throwable thrown = catchThrowable(() -> work.done(body));
            left.set(-1);
            assertThat(budget.reserved()).isEqualTo(Footprint.NONE);
            if (thrown == null) {
                return calls;
            }
            assertThat(thrown).isInstanceOf(OutOfMemoryError.class);
            forgetUploads();
        }
    }

    /** Uploads that nothing points to are looked at by the next try: with each of them the end would be one call further off. */
    private void forgetUploads() {
        if (memory.head("words/snapshot/latest-pointer.txt").isEmpty()) {
            memory.delete(memory.list("words/snapshot/").stream()
                    .map(ObjectStore.ObjectInfo::key)
                    .toList());
        }
    }
}
