package dev.chromacompactor.job;

import static dev.chromacompactor.job.Workplace.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Work that comes long after its batch, and work that two workers do at once. */
class LateAndTwiceTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");

    private static final String TWICE = BatchKeys.databaseFile(BatchKeys.chunk("twice", 0));

    @TempDir
    Path scratch;

    private Instant now = MONDAY.plusSeconds(60);
    private final MemoryObjectStore store = new MemoryObjectStore("bucket", () -> now);

    /** A batch whose second chunk is broken; then more than a month passes, with two publishes in it. */
    private Workplace aMonthLater(Policy policy) {
        var work = new Workplace(store, scratch);
        SmallDelta.writtenAt(MONDAY).upsert("base", 0).put(store, key("base"), scratch);
        work.enqueue("zero", Policy.PUBLISH, "base");
        work.drain();
        SmallDelta.writtenAt(MONDAY).upsert("x", 1, "k", 1).put(store, key("good"), scratch);
        store.put(key("bad") + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        work.enqueue("old", policy, "good", "bad");
        work.done(Objects.requireNonNull(work.sent.removeFirst()));
        assertThat(work.refused(Objects.requireNonNull(work.sent.removeFirst())).message())
                .contains(key("bad"));
        work.drain();
        for (int i = 0; i < 2; i++) {
            now = now.plus(Lineage.HORIZON).plusSeconds(3_600);
            SmallDelta.writtenAt(now.minusSeconds(5)).upsert("new" + i, i).put(store, key("new" + i), scratch);
            work.enqueue("new" + i, Policy.PUBLISH, "new" + i);
            work.drain();
        }
        // Written anew, but it counts from when it was first seen.
        SmallDelta.writtenAt(now).upsert("x", 9, "k", 9).upsert("y", 9).put(store, key("bad"), scratch);
        return work;
    }

    /** It changes nothing, and all that is said of it is that it is too old. */
    private static void replayTheBroken(Workplace work) {
        String before = work.live("words").version();

        work.done(StageMessages.processChunk("old", 1, "words"));
        work.drain();

        assertThat(work.live("words").version()).isEqualTo(before);
        assertThat(work.letters)
                .extracting(letter -> letter.failure().reason())
                .isNotEmpty()
                .containsOnly("older-than-horizon");
    }

    @Test
    void past_the_horizon_a_replayed_chunk_is_refused_by_name_and_changes_nothing() {
        var work = aMonthLater(Policy.PUBLISH);
        var before = work.live("words");
        assertThat(before.lineage().horizon()).isGreaterThan(MONDAY.toEpochMilli());
        var history = work.published("old");
        assertThat(history.inside()).containsExactly(ChunkName.of("old", 0));

        replayTheBroken(work);

        assertThat(work.letters)
                .anySatisfy(letter -> assertThat(letter.failure().message()).contains("old/1", key("bad")));
        // Its sibling has been inside since before the horizon, and stays what it is.
        assertThat(work.published("old").inside()).containsExactly(ChunkName.of("old", 0));
        assertThat(work.published("old").version()).isEqualTo(history.version());
        assertThat(work.published("old").totalEmbeddings()).isEqualTo(history.totalEmbeddings());
        assertThat(work.published("old").excused())
                .extracting(Lineage.Excuse::chunk)
                .containsExactly(ChunkName.of("old", 1));

        // The next version says so too, and holds what the others brought and no more.
        SmallDelta.writtenAt(now).upsert("last", 3).put(store, key("last"), scratch);
        work.enqueue("last", Policy.PUBLISH, "last");
        work.drain();
        assertThat(work.live("words").contents().records())
                .isEqualTo(before.contents().records() + 1);
        assertThat(work.live("words").lineage().names()).doesNotContain(ChunkName.of("old", 1));
    }

    @Test
    void past_the_horizon_a_batch_on_hold_is_refused_whole() {
        var work = aMonthLater(Policy.HOLD);

        replayTheBroken(work);

        assertThat(work.published("old").excused())
                .extracting(Lineage.Excuse::chunk)
                .containsExactlyInAnyOrder(ChunkName.of("old", 0), ChunkName.of("old", 1));
    }

    /**
     * The slow one of two workers with the same chunk: as it was about to write, the fast one had done and published it, and then something
     * happened to what it wrote.
     */
    private Workplace slowOfTwo(Runnable then) {
        var slow = new Workplace(store, scratch.resolve("slow"));
        var fast = new Workplace(store, scratch.resolve("fast"));
        slow.enqueue("twice", Policy.PUBLISH, "a");
        String body = slow.sent.removeFirst();
        var first = new AtomicBoolean(true);
        store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_ABSENT && call.key().equals(TWICE) && first.getAndSet(false)) {
                fast.done(body);
                fast.drain();
                then.run();
            }
        });
        slow.done(body);
        store.onCall(call -> {});
        slow.drain();
        return slow;
    }

    @Test
    void two_workers_with_the_same_chunk_leave_one_intermediate_and_the_receipt_names_it() {
        var delta = SmallDelta.writtenAt(MONDAY).upsert("x", 1).put(store, key("a"), scratch);
        Workplace slow = slowOfTwo(() -> {});

        Receipt receipt = slow.chunk("twice", 0);
        assertThat(store.list("intermediate/twice/")).singleElement().satisfies(there -> {
            assertThat(there.key()).isEqualTo(TWICE);
            assertThat(there.etag())
                    .isEqualTo(Objects.requireNonNull(receipt.intermediate()).etag());
        });
        assertThat(slow.live("words").seq()).isEqualTo(1);
        assertThat(slow.digestOfFiles("words")).isEqualTo(SmallDelta.digest("words", List.of(delta)));
    }

    @Test
    void a_late_worker_that_makes_a_collected_intermediate_anew_is_no_harm_and_no_second_publish() {
        var delta = SmallDelta.writtenAt(MONDAY).upsert("x", 1).put(store, key("a"), scratch);
        Workplace slow = slowOfTwo(() -> store.delete(List.of(TWICE)));

        assertThat(slow.live("words").seq()).isEqualTo(1);
        assertThat(slow.live("words").lineage().chunks()).hasSize(1);
        assertThat(slow.digestOfFiles("words")).isEqualTo(SmallDelta.digest("words", List.of(delta)));
    }

    @Test
    void a_receipt_warns_of_operations_that_left_no_trace() {
        var work = new Workplace(store, scratch);
        Misfits.put(store, "1.5.9", "two_collections", key("a"), scratch);
        work.enqueue("traces", Policy.PUBLISH, "a");
        work.drain();

        assertThat(work.chunk("traces", 0).warnings())
                .anySatisfy(warning -> assertThat(warning).contains(key("a"), "left no trace"));
    }

    @Test
    void a_batch_waits_for_its_publish_as_long_as_it_is_younger_than_the_horizon() {
        var work = new Workplace(store, scratch);
        SmallDelta.writtenAt(MONDAY).upsert("x", 1).put(store, key("a"), scratch);
        work.enqueue("patient", Policy.PUBLISH, "a");
        work.done(Objects.requireNonNull(work.sent.removeFirst()));
        now = now.plus(Duration.ofDays(29));
        work.drain();

        assertThat(work.live("words").lineage().names()).containsExactly(ChunkName.of("patient", 0));
    }
}
