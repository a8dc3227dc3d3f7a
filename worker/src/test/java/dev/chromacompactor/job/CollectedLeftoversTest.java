package dev.chromacompactor.job;

import static dev.chromacompactor.job.Workplace.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.control.Release;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Rollback;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.upkeep.Leftover;
import dev.chromacompactor.upkeep.Leftovers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What batches leave behind goes when nobody needs it, and what somebody needs after all is made again or refused by name. */
class CollectedLeftoversTest extends TimedWork {
    private static final Duration DAY = Duration.ofDays(1);

    private void delta(String name) {
        var _ = SmallDelta.writtenAt(now.minusSeconds(60))
                .upsert(name, name.hashCode())
                .put(store, key(name), scratch);
    }

    private void broken(String name) {
        store.put(key(name) + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
    }

    /** A delta is a chunk; what its messages lead to is done too. */
    private void batch(String batch, Policy policy, String... names) {
        work.enqueue(batch, policy, names);
        while (!work.sent.isEmpty()) {
            var _ = work.deliver(work.sent.removeFirst());
        }
    }

    private void collect() {
        new Leftovers(store, DAY).collect(List.of("words"), List.of(), () -> true, Metrics.none());
    }

    private List<String> found() {
        var found = new ArrayList<Leftover>();
        new Leftovers(store, DAY).find(List.of("words"), List.of(), () -> true, found::add);
        return found.stream().map(Leftover::key).toList();
    }

    private List<String> keys(String prefix) {
        return store.list(prefix).stream().map(ObjectInfo::key).toList();
    }

    @Test
    void an_intermediate_goes_a_day_after_its_chunk_was_published() {
        delta("a");
        delta("b");
        batch("one", Policy.PUBLISH, "a", "b");
        later(DAY.minusSeconds(60));
        assertThat(found()).isEmpty();

        later(Duration.ofSeconds(61));
        assertThat(found())
                .containsExactly("intermediate/one/chunk-0/chroma.sqlite3", "intermediate/one/chunk-1/chroma.sqlite3");
        assertThat(keys("intermediate/")).as("only looked").hasSize(2);
        collect();

        assertThat(keys("intermediate/")).isEmpty();
        assertThat(keys("batches/one/")).hasSize(4);
        assertThat(keys("words/delta/")).contains(key("a") + "chroma.sqlite3", key("b") + "chroma.sqlite3");
    }

    @Test
    void what_a_group_was_made_of_goes_with_it() {
        for (String name : List.of("a", "b")) {
            delta(name);
            work.done(StageMessages.processChunk(
                    "run",
                    name.equals("a") ? 0 : 1,
                    "words",
                    List.of(new DeltaRef(null, key(name), null, null, null))));
        }
        String group = "{\"operation\":\"merge_chunk_group\",\"batch_id\":\"run-group-0\",\"group_index\":0,"
                + "\"chunk_group\":[\"intermediate/run/chunk-0/\",\"intermediate/run/chunk-1/\"]}";
        work.done(group);
        later(DAY.plusSeconds(1));
        assertThat(found()).as("nothing is published yet").isEmpty();
        work.done("{\"operation\":\"final_merge\",\"batch_id\":\"run\",\"database\":\"words\","
                + "\"chunk_results\":[\"intermediate/run-group-0-group-0/merged/\"]}");
        later(DAY.plusSeconds(1));

        collect();

        assertThat(keys("intermediate/")).isEmpty();
        work.done(group); // a late duplicate
        assertThat(keys("intermediate/")).isEmpty();
    }

    @Test
    void nothing_that_an_open_batch_needs_goes_however_old_it_is() {
        delta("a");
        broken("b");
        batch("held", Policy.HOLD, "a", "b");
        later(Duration.ofDays(400));

        assertThat(found()).isEmpty();

        delta("b");
        work.sent.add(StageMessages.processChunk("held", 1, "words"));
        work.drain();
        assertThat(work.live("words").contents().records()).isEqualTo(2);
    }

    @Test
    void what_a_list_of_an_open_batch_names_stays_too() {
        delta("a");
        work.done(StageMessages.processChunk(
                "other", 0, "words", List.of(new DeltaRef(null, key("a"), null, null, null))));
        var _ = work.refused("{\"operation\":\"final_merge\",\"batch_id\":\"lists\",\"database\":\"words\","
                + "\"chunk_results\":[\"intermediate/other/chunk-0/\",\"intermediate/missing/chunk-0/\"]}");
        later(Duration.ofDays(40));

        assertThat(found()).doesNotContain("intermediate/other/chunk-0/chroma.sqlite3");
    }

    @Test
    void an_intermediate_that_is_needed_after_all_is_made_again_and_its_receipt_names_the_new_one() {
        delta("a");
        batch("first", Policy.PUBLISH, "a");
        String first = work.live("words").version();
        delta("b");
        batch("second", Policy.PUBLISH, "b");
        later(DAY.plusSeconds(1));
        collect();
        // As if what came after the first version had never been published.
        store.put(work.catalog("words").pointerKey(), first.getBytes(StandardCharsets.UTF_8));

        work.sent.add(StageMessages.finalMerge("second", "words"));
        assertThat(work.postponed(work.sent.removeFirst()).reason()).isEqualTo("object-replaced");
        work.drain();

        assertThat(work.live("words").contents().records()).isEqualTo(2);
        var named = Objects.requireNonNull(work.chunk("second", 0).intermediate());
        assertThat(store.head(named.key()).orElseThrow().etag()).isEqualTo(named.etag());
    }

    @Test
    void what_is_released_after_a_rollback_is_made_again_though_it_was_collected() {
        delta("a");
        batch("first", Policy.PUBLISH, "a");
        String first = work.live("words").version();
        delta("b");
        batch("second", Policy.PUBLISH, "b");
        later(DAY.plusSeconds(1));
        collect();
        assertThat(keys("intermediate/")).isEmpty();
        var rollback = new Rollback(store, "words", "test");
        var _ = rollback.run(rollback.plan(first, null));
        assertThat(work.live("words").contents().records()).isEqualTo(1);

        var released = new Release(store, "words", "test", work.sent::addAll).run(List.of(ChunkName.of("second", 0)));

        assertThat(released.unsent()).isEmpty();
        work.drain();
        assertThat(work.live("words").contents().records()).isEqualTo(2);
        assertThat(work.digestOfFiles("words")).isEqualTo(work.digest("words"));
    }

    @Test
    void what_is_left_of_a_closed_batch_goes_after_the_horizon_and_a_replay_is_refused_by_name() {
        delta("a");
        batch("one", Policy.PUBLISH, "a");
        later(Duration.ofDays(29));
        collect();
        assertThat(keys("batches/one/")).hasSize(3);
        later(Duration.ofDays(2));
        delta("new");
        batch("two", Policy.PUBLISH, "new");

        collect();

        assertThat(keys("batches/one/")).containsExactly(BatchKeys.published("one"));
        assertThat(keys("batches/two/")).hasSize(3);
        work.done(
                StageMessages.processChunk("one", 0, "words", List.of(new DeltaRef(null, key("a"), null, null, null))));
        assertThat(work.deliver("{\"operation\":\"final_merge\",\"batch_id\":\"one\",\"database\":\"words\","
                        + "\"chunk_results\":[\"intermediate/one/chunk-0/\"]}"))
                .isInstanceOf(Outcome.Done.class);
        assertThat(work.letters).last().satisfies(letter -> {
            Failure failure = letter.failure();
            assertThat(failure.reason()).isEqualTo("older-than-horizon");
            assertThat(failure.message()).contains("one/0", key("a"));
        });
        assertThat(work.live("words").contents().records()).isEqualTo(2);
        assertThat(work.refused(StageMessages.processChunk("gone", 0, "words")).message())
                .contains("taken away");
    }

    @Test
    void a_batch_that_is_sent_again_in_the_last_moment_keeps_its_plan() {
        delta("a");
        batch("one", Policy.PUBLISH, "a");
        later(Duration.ofDays(40));
        store.onCall(call -> {
            if (call.key().equals(BatchKeys.plan("one"))) {
                store.onCall(_ -> {});
                store.put(BatchKeys.open("words", "one"), new byte[0]);
            }
        });

        collect();

        assertThat(keys("batches/one/")).contains(BatchKeys.plan("one"), BatchKeys.chunkReceipt("one", 0));
    }

    @Test
    void marks_of_messages_that_no_queue_can_hold_any_more_go() {
        store.put("attempts/old/2", new byte[0]);
        store.put("attempts/long/2", new byte[0]);
        later(Duration.ofDays(20));
        store.put("attempts/long/9", new byte[0]);
        store.put("attempts/stranger", new byte[0]);
        later(Duration.ofDays(8).plusSeconds(1));

        collect();

        assertThat(keys("attempts/")).containsExactly("attempts/long/2", "attempts/long/9", "attempts/stranger");
    }

    @Test
    void uploads_that_nobody_ended_go_after_a_day_and_those_of_others_do_not() {
        delta("a");
        batch("one", Policy.PUBLISH, "a");
        store.beginUpload("intermediate/x/chunk-0/chroma.sqlite3");
        store.beginUpload("words/snapshot/timestamped/v/chroma.sqlite3");
        store.beginUpload("words/delta/huge/chroma.sqlite3");
        later(DAY);
        assertThat(found()).isEmpty();
        later(Duration.ofSeconds(2));
        store.beginUpload("intermediate/y/chunk-0/chroma.sqlite3");

        collect();

        var left = new ArrayList<String>();
        store.uploads("", upload -> left.add(upload.key()));
        assertThat(left).containsExactly("words/delta/huge/chroma.sqlite3", "intermediate/y/chunk-0/chroma.sqlite3");
    }

    @Test
    void nothing_of_a_database_that_is_paused_or_contradicts_itself_goes() {
        delta("a");
        batch("one", Policy.PUBLISH, "a");
        later(Duration.ofDays(40));
        var before = keys("");
        new Leftovers(store, DAY).collect(List.of(), List.of("words"), () -> true, Metrics.none());
        assertThat(keys("")).isEqualTo(before);

        store.put(work.catalog("words").pointerKey(), "nowhere".getBytes(StandardCharsets.UTF_8));
        collect();
        assertThat(keys("")).isEqualTo(before);
    }

    @Test
    void what_is_not_ours_stays() {
        for (String key : List.of(
                "intermediate/x/chunk-0/other.bin", "batches/b/chunks.json", "batches/loose", "intermediate/y")) {
            store.put(key, new byte[0]);
        }
        later(Duration.ofDays(400));

        assertThat(found()).isEmpty();
    }

    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    @Test
    void a_collector_that_dies_at_any_call_leaves_the_rest_to_the_next() {
        int calls = 0;
        for (int crashAt = 1; ; crashAt++) {
            String batch = "batch-" + crashAt;
            store.put("words/delta/a/chroma.sqlite3", new byte[0]);
            store.put("intermediate/" + batch + "/chunk-0/chroma.sqlite3", new byte[0]);
            store.put("intermediate/" + batch + "-group-0/merged/chroma.sqlite3", new byte[0]);
            for (String each :
                    List.of(BatchKeys.plan(batch), BatchKeys.chunkReceipt(batch, 0), BatchKeys.published(batch))) {
                store.put(each, "{\"database\":\"words\"}".getBytes(StandardCharsets.UTF_8));
            }
            store.put("attempts/message/" + crashAt, new byte[0]);
            store.beginUpload("intermediate/" + batch + "/chunk-0/chroma.sqlite3");
            later(Duration.ofDays(40));
            var countdown = new int[] {crashAt};
            store.onCall(_ -> {
                if (--countdown[0] == 0) {
                    throw new Killed();
                }
            });
            boolean died = false;
            try {
                collect();
            } catch (Killed e) {
                died = true;
            }
            store.onCall(_ -> {});
            collect();

            assertThat(found()).as("died at call %s", crashAt).isEmpty();
            assertThat(keys("intermediate/")).isEmpty();
            assertThat(keys("attempts/")).isEmpty();
            assertThat(keys("batches/" + batch + "/")).containsExactly(BatchKeys.published(batch));
            if (!died) {
                break;
            }
            calls = crashAt;
        }
        assertThat(calls).isGreaterThan(10);
    }
}
