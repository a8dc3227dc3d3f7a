package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.control.Release;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.producer.Chunking;
import dev.chromacompactor.producer.Discovery.LeftOut;
import dev.chromacompactor.producer.Discovery.Why;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Rollback;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a rollback took out stays out, whoever sends it again, until it is released; then it is as if nothing had been. */
class RolledBackTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final ChunkName BAD = ChunkName.of("bad", 0);

    @TempDir
    Path scratch;

    private MemoryObjectStore store = new MemoryObjectStore("bucket");
    private Workplace work;

    private SmallDelta good;
    private SmallDelta bad;
    private String first;
    private String whole;

    /** Two batches are published, one after the other. */
    private void publish() {
        store = new MemoryObjectStore("bucket");
        work = new Workplace(store, scratch);
        good = SmallDelta.writtenAt(MONDAY)
                .upsert("a", 1, "k", "old")
                .upsert("b", 2)
                .put(store, delta("good"), scratch);
        bad = SmallDelta.writtenAt(MONDAY.plusSeconds(60))
                .upsert("a", 3, "k", "new")
                .delete("b")
                .upsert("c", 4)
                .put(store, delta("bad"), scratch);
        send("good", "good");
        first = work.live("words").version();
        send("bad", "bad");
        whole = work.digest("words");
        assertThat(whole).isEqualTo(SmallDelta.digest("words", List.of(good, bad)));
    }

    private static String delta(String name) {
        return "words/delta/" + name + "/";
    }

    private void send(String batch, String... deltas) {
        var producer = new Producer(store, "words");
        var located = Stream.of(deltas).map(name -> producer.named(delta(name))).toList();
        producer.send(producer.plan(batch, located, Chunking.DEFAULT, Policy.PUBLISH, "words"), work.sent::addAll);
        work.drain();
    }

    private void rollBack() {
        var rollback = new Rollback(store, "words", "test");
        var _ = rollback.run(rollback.plan(first, null));
        assertThat(work.digestOfFiles("words")).isEqualTo(SmallDelta.digest("words", List.of(good)));
    }

    private Release.Released release(ChunkName... chunks) {
        return new Release(store, "words", "test", work.sent::addAll).run(List.of(chunks));
    }

    private void isWholeAgain() {
        work.drain();
        assertThat(work.digest("words")).isEqualTo(whole);
        assertThat(work.digestOfFiles("words")).isEqualTo(whole);
        assertThat(work.live("words").lineage().revoked().chunks()).isEmpty();
        assertThat(work.live("words").lineage().revoked().inputs()).isEmpty();
        assertThat(store.list("words/open/")).isEmpty();
        assertThat(work.letters).isEmpty();
    }

    @Test
    void messages_that_come_again_bring_nothing_back() {
        publish();
        rollBack();
        String back = work.live("words").version();

        work.done(StageMessages.finalMerge("bad", "words"));
        work.done(StageMessages.processChunk("bad", 0, "words"));
        work.drain();
        send("bad", "bad");
        store.delete(List.of(BatchKeys.databaseFile(BatchKeys.chunk("bad", 0))));
        work.done(StageMessages.processChunk("bad", 0, "words"));
        work.drain();

        assertThat(work.live("words").version()).isEqualTo(back);
        assertThat(store.list("words/open/")).isEmpty();
        assertThat(work.letters).isEmpty();
        assertThat(new Producer(store, "words").discover("words/delta/").leftOut())
                .contains(new LeftOut(delta("bad"), Why.ROLLED_BACK), new LeftOut(delta("good"), Why.LIVE));
        assertThat(new Producer(store, "words").discover("words/delta/").fresh())
                .isEmpty();
    }

    @Test
    void a_publish_that_was_under_way_is_joined_with_the_old_content() {
        publish();
        var late = SmallDelta.writtenAt(MONDAY.plusSeconds(120)).upsert("d", 5).put(store, delta("late"), scratch);
        store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_MATCH && call.key().endsWith("latest-pointer.txt")) {
                store.onCall(_ -> {});
                var rollback = new Rollback(store, "words", "test");
                var _ = rollback.run(rollback.plan(first, null));
            }
        });

        send("late", "late");

        assertThat(work.digest("words")).isEqualTo(SmallDelta.digest("words", List.of(good, late)));
        assertThat(work.live("words").lineage().holds(BAD)).isFalse();
        assertThat(work.live("words").lineage().revoked().chunks()).hasSize(1);
    }

    @Test
    void a_release_gives_the_same_records_as_before() {
        publish();
        rollBack();

        var released = release(BAD);

        assertThat(released.version()).isNotNull();
        assertThat(released.batches()).containsExactly("bad");
        isWholeAgain();
    }

    @Test
    void a_chunk_whose_intermediate_was_collected_is_processed_again() {
        publish();
        rollBack();
        store.delete(List.of(BatchKeys.databaseFile(BatchKeys.chunk("bad", 0))));

        var released = release(BAD);

        assertThat(released.again()).containsExactly(BAD);
        assertThat(released.batches()).isEmpty();
        isWholeAgain();
    }

    @Test
    void asked_again_it_sends_again_what_is_not_inside() {
        publish();
        rollBack();
        release(BAD);
        work.sent.clear();

        var again = release(BAD);
        assertThat(again.version()).isNull();
        assertThat(again.batches()).containsExactly("bad");
        isWholeAgain();

        var inside = release(BAD);
        assertThat(inside.inside()).containsExactly(BAD);
        assertThat(inside.batches()).isEmpty();
        assertThat(work.sent).isEmpty();
    }

    @Test
    void a_crash_in_the_middle_of_a_release_is_mended_by_another_one() {
        publish();
        rollBack();
        MemoryObjectStore before = store;
        int crashes = 0;
        for (int at = 1; ; at++) {
            boolean collected = at % 2 == 0;
            store = copyOf(before);
            work = new Workplace(store, scratch);
            if (collected) {
                store.delete(List.of(BatchKeys.databaseFile(BatchKeys.chunk("bad", 0))));
            }
            boolean killed = killedAt(at);
            String left = work.live("words").version();
            assertThat(work.catalog("words").verify(left))
                    .as("killed at %s", at)
                    .isEmpty();
            if (killed) {
                crashes++;
                work.sent.clear();
                release(BAD);
            }
            assertThat(work.live("words").lineage().revoked().chunks())
                    .as("killed at %s", at)
                    .isEmpty();
            assertThat(work.sent)
                    .as("killed at %s", at)
                    .singleElement()
                    .asString()
                    .contains(collected ? "process_chunk" : "final_merge", "bad");
            // Each time would cost a minute in all.
            if (!killed || at % 16 < 2) {
                isWholeAgain();
            }
            if (!killed) {
                assertThat(crashes).isGreaterThan(20);
                break;
            }
        }
    }

    private boolean killedAt(int at) {
        var left = new int[] {at};
        store.onCall(_ -> {
            if (--left[0] == 0) {
                throw new Killed();
            }
        });
        try {
            release(BAD);
            return false;
        } catch (Killed e) {
            return true;
        } finally {
            store.onCall(_ -> {});
        }
    }

    private static MemoryObjectStore copyOf(MemoryObjectStore other) {
        var copy = new MemoryObjectStore("bucket");
        other.list(
                "",
                info -> copy.put(
                        info.key(), other.read(info.key()).orElseThrow().bytes()));
        return copy;
    }

    /** A process that is killed. Nothing may catch it. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    @Test
    void a_chunk_with_a_rolled_back_delta_and_a_good_one_stays_out_whole_until_the_release() {
        publish();
        rollBack();
        var other = SmallDelta.writtenAt(MONDAY.plusSeconds(120)).upsert("d", 5).put(store, delta("other"), scratch);

        send("mixed", "bad", "other");

        assertThat(work.digest("words")).isEqualTo(SmallDelta.digest("words", List.of(good)));
        assertThat(work.letters)
                .singleElement()
                .satisfies(letter -> assertThat(letter.failure().reason()).isEqualTo("contains-rolled-back-input"));

        release(BAD);
        work.drain();
        work.done(StageMessages.finalMerge("mixed", "words"));
        work.drain();

        assertThat(work.digest("words")).isEqualTo(SmallDelta.digest("words", List.of(good, bad, other)));
        assertThat(work.live("words").lineage().excused()).isEmpty();
        assertThat(store.list("words/open/")).isEmpty();
    }

    @Test
    void what_the_bad_content_made_a_misfit_is_looked_at_anew() {
        work = new Workplace(store, scratch);
        good = SmallDelta.writtenAt(MONDAY).upsert("a", 1).put(store, delta("good"), scratch);
        send("good", "good");
        first = work.live("words").version();
        // Vectors of another length come first, in a collection of their own name.
        Misfits.put(store, "1.5.9", "churn", delta("bad"), scratch);
        var producer = new Producer(store, "words");
        producer.send(
                producer.plan("bad", List.of(producer.named(delta("bad"))), Chunking.DEFAULT, Policy.PUBLISH, "lines"),
                work.sent::addAll);
        work.drain();
        var _ = SmallDelta.writtenAt(MONDAY.plusSeconds(60)).upsert("x", 2).put(store, delta("lines"), scratch);
        producer.send(
                producer.plan(
                        "lines", List.of(producer.named(delta("lines"))), Chunking.DEFAULT, Policy.PUBLISH, "lines"),
                work.sent::addAll);
        work.drain();
        assertThat(work.letters)
                .singleElement()
                .satisfies(letter -> assertThat(letter.failure().reason()).isEqualTo("dimension-mismatch"));

        rollBack();
        work.done(StageMessages.finalMerge("lines", "words"));
        work.drain();

        assertThat(work.live("words").lineage().names())
                .contains(ChunkName.of("lines", 0))
                .doesNotContain(BAD);
        assertThat(work.live("words").lineage().excused()).isEmpty();
    }

    @Test
    void a_chunk_that_nobody_knows_is_refused_and_nothing_is_written() {
        publish();
        rollBack();
        var before = store.list("");

        assertThatThrownBy(() -> release(BAD, ChunkName.of("nobody", 7))).hasMessageContaining("nobody/7");

        assertThat(store.list("")).isEqualTo(before);
        assertThat(work.sent).isEmpty();
    }

    @Test
    void an_intermediate_without_a_batch_is_released_by_its_own_name() {
        store = new MemoryObjectStore("bucket");
        work = new Workplace(store, scratch);
        good = SmallDelta.writtenAt(MONDAY).upsert("a", 1).put(store, delta("good"), scratch);
        bad = SmallDelta.writtenAt(MONDAY.plusSeconds(60)).upsert("c", 4).put(store, delta("bad"), scratch);
        send("good", "good");
        first = work.live("words").version();
        work.done("""
                {"operation":"process_chunk","batch_id":"parts","chunk_index":0,"database":"words",
                 "delta_results":[{"delta_key":"words/delta/bad/","collection":"words"}]}""");
        work.done("""
                {"operation":"merge_chunk_group","batch_id":"parts","group_index":0,"database":"words",
                 "chunk_group":["intermediate/parts/chunk-0/"]}""");
        work.done("""
                {"operation":"final_merge","batch_id":"list","database":"words",
                 "chunk_results":[{"intermediate_key":"intermediate/parts-group-0/merged/"}]}""");
        work.sent.clear();
        whole = work.digest("words");
        assertThat(whole).isEqualTo(SmallDelta.digest("words", List.of(good, bad)));
        rollBack();
        var revoked = work.live("words").lineage().revoked().chunks();
        var name = revoked.stream()
                .map(chunk -> chunk.name())
                .filter(each -> each.intermediate().isPresent())
                .findFirst()
                .orElseThrow();

        var released = release(name);

        assertThat(released.batches()).containsExactly("list");
        isWholeAgain();
    }
}
