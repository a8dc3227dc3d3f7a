package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Claim;
import dev.chromacompactor.store.MemoryObjectStore.Call;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** Many batches that come together cost few versions. */
class GatheredPublishTest extends TimedWork {
    private int written;

    private String delta(String name) {
        String key = "words/delta/" + name + "/";
        var _ = SmallDelta.writtenAt(MONDAY.plusSeconds(60L * written++))
                .upsert(name, 1)
                .put(store, key, scratch);
        return key;
    }

    /** A batch of one delta whose chunk is done. */
    private void ready(String batch) {
        delta(batch);
        folded(batch);
    }

    private void folded(String batch) {
        var producer = new Producer(store, "words");
        Plan plan =
                producer.plan(batch, List.of(producer.named("words/delta/" + batch + "/")), 1, Policy.PUBLISH, "words");
        producer.send(
                plan,
                bodies -> bodies.forEach(body -> assertThat(receive(body, 1)).isInstanceOf(Outcome.Done.class)));
        work.sent.clear();
    }

    private static String finalMerge(String batch) {
        return StageMessages.finalMerge(batch, "words");
    }

    private Outcome receive(String body, int receives) {
        return work.jobs.handle(new Delivery("other", body, Map.of(), receives, 0));
    }

    private void onceBefore(Predicate<Call> when, Runnable then) {
        store.onCall(call -> {
            if (when.test(call)) {
                store.onCall(_ -> {});
                then.run();
            }
        });
    }

    private int versions() {
        return store.folders("words/snapshot/timestamped/").size();
    }

    private static boolean uploads(Call call) {
        return call.kind() == Kind.PUT_IF_ABSENT && call.key().endsWith("/manifest.json");
    }

    @Test
    void twenty_batches_that_are_ready_are_one_version() {
        for (int i = 0; i < 20; i++) {
            ready("b" + i);
        }
        for (int i = 0; i < 20; i++) {
            work.done(finalMerge("b" + i));
        }
        assertThat(versions()).isOne();
        assertThat(work.live("words").lineage().chunks()).hasSize(20);
        assertThat(store.list("words/open/")).isEmpty();
    }

    @Test
    void who_comes_while_another_publishes_is_put_off_and_taken_along_by_him() {
        ready("a");
        List<Outcome> meanwhile = new ArrayList<>();
        onceBefore(GatheredPublishTest::uploads, () -> {
            ready("b");
            ready("c");
            meanwhile.add(receive(finalMerge("b"), 1));
            meanwhile.add(receive(finalMerge("c"), 4));
        });
        work.done(finalMerge("a"));

        assertThat(meanwhile).allSatisfy(outcome -> assertThat(outcome).isInstanceOf(Outcome.PutOff.class));
        assertThat(((Outcome.PutOff) meanwhile.getFirst()).failure().reason()).isEqualTo("publish-under-way");
        assertThat(meanwhile)
                .as("later and later, as SQS counts the receives")
                .extracting(outcome -> ((Outcome.PutOff) outcome).delay())
                .containsExactly(Duration.ofSeconds(5), Duration.ofSeconds(40));
        assertThat(work.live("words").lineage().names())
                .contains(ChunkName.of("a", 0), ChunkName.of("b", 0), ChunkName.of("c", 0));
        assertThat(versions()).isEqualTo(2);
        assertThat(store.list("words/open/")).isEmpty();

        work.done(finalMerge("b"));
        assertThat(versions()).as("it finds nothing to do").isEqualTo(2);
    }

    /** Else it would come again and again as long as others keep coming, until SQS makes it a dead letter. */
    @Test
    void a_message_whose_batch_is_inside_waits_for_nobody() {
        ready("a");
        ready("b");
        work.done(finalMerge("b"));
        ready("c");
        List<Outcome> meanwhile = new ArrayList<>();
        onceBefore(GatheredPublishTest::uploads, () -> meanwhile.add(receive(finalMerge("a"), 1)));
        work.done(finalMerge("c"));

        assertThat(meanwhile).singleElement().isInstanceOf(Outcome.Done.class);
        assertThat(work.published("c").version()).isEqualTo(work.live("words").version());
        assertThat(versions()).isEqualTo(2);
        assertThat(store.list("words/open/")).isEmpty();
    }

    @Test
    void who_is_put_off_has_looked_at_no_other_batch() {
        ready("base");
        work.done(finalMerge("base"));
        ready("a");
        ready("b");
        var held = new Claim(store, "words", "another publish");
        assertThat(held.take(() -> {})).isTrue();
        List<String> asked = new ArrayList<>();
        store.onCall(call -> asked.add(call.key()));

        assertThat(work.deliver(finalMerge("b"))).isInstanceOf(Outcome.PutOff.class);
        assertThat(asked).contains("batches/b/plan.json").doesNotContain("batches/a/plan.json");
    }

    /** Else a batch that fits in nobody else's publish would wait until SQS makes its message a dead letter. */
    @Test
    void who_was_put_off_five_times_publishes_beside_the_other() {
        ready("a");
        var held = new Claim(store, "words", "another publish");
        assertThat(held.take(() -> {})).isTrue();

        assertThat(receive(finalMerge("a"), 5)).isInstanceOf(Outcome.PutOff.class);
        assertThat(receive(finalMerge("a"), 6)).isInstanceOf(Outcome.Done.class);
        assertThat(work.live("words").lineage().names()).contains(ChunkName.of("a", 0));
    }

    @Test
    void other_databases_are_not_put_off() {
        ready("a");
        var _ = SmallDelta.writtenAt(MONDAY).upsert("x", 1).put(store, "lines/delta/x/", scratch);
        work.done("""
                {"operation":"process_chunk","batch_id":"l","chunk_index":0,"database":"lines",
                 "delta_results":[{"delta_key":"lines/delta/x/"}]}""");
        onceBefore(
                GatheredPublishTest::uploads, () -> assertThat(receive("""
                        {"operation":"final_merge","batch_id":"l","database":"lines","total_chunks":1}""", 1)).isInstanceOf(Outcome.Done.class));
        work.done(finalMerge("a"));
        assertThat(work.live("lines").seq()).isOne();
    }

    @Test
    void one_who_died_at_it_is_waited_for_ten_seconds_and_no_longer() {
        ready("a");
        var dead = new Claim(store, "words", "a publish that never ends");
        assertThat(dead.take(() -> {})).isTrue();

        assertThat(work.deliver(finalMerge("a"))).isInstanceOf(Outcome.PutOff.class);
        now = now.plusSeconds(12);
        work.done(finalMerge("a"));
        assertThat(work.live("words").seq()).isOne();
    }

    /** Without any claim, as when it ran out in the middle. */
    @Test
    void nothing_is_uploaded_onto_a_base_that_is_not_the_live_one_any_more() {
        ready("a");
        ready("b");
        onceBefore(
                call -> call.key().equals("intermediate/a/chunk-0/chroma.sqlite3") && call.kind() == Kind.READ, () -> {
                    now = now.plusSeconds(20);
                    assertThat(receive(finalMerge("b"), 1)).isInstanceOf(Outcome.Done.class);
                });
        work.done(finalMerge("a"));
        assertThat(versions()).isOne();
        assertThat(work.live("words").lineage().chunks()).hasSize(2);
    }

    @Test
    void a_batch_that_does_not_fit_is_refused_by_name_and_holds_up_none_of_those_beside_it() {
        ready("base");
        work.done(finalMerge("base"));
        ready("a");
        Misfits.put(store, "1.5.9", "churn", "words/delta/odd/", scratch);
        folded("odd");
        ready("z");

        work.done(finalMerge("a"));

        var live = work.live("words");
        assertThat(live.seq()).as("one version for all").isEqualTo(2);
        assertThat(live.lineage().names()).contains(ChunkName.of("a", 0), ChunkName.of("z", 0));
        assertThat(live.lineage().excused()).singleElement().satisfies(excuse -> {
            assertThat(excuse.chunk()).isEqualTo(ChunkName.of("odd", 0));
            assertThat(excuse.reason()).isEqualTo("dimension-mismatch");
        });
        assertThat(work.letters)
                .singleElement()
                .satisfies(letter -> assertThat(letter.failure().message()).contains("odd/0"));
        work.done(finalMerge("odd"));
        work.done(finalMerge("z"));
        assertThat(versions()).isEqualTo(2);
        assertThat(work.letters).hasSize(1);
        assertThat(work.published("odd").excused()).hasSize(1);
    }

    @Test
    void the_letter_of_an_intermediate_without_a_batch_can_be_replayed() {
        ready("base");
        work.done(finalMerge("base"));
        Misfits.put(store, "1.5.9", "churn", "words/delta/odd/", scratch);
        folded("odd");
        store.delete(List.of("words/open/odd"));

        work.done("{\"operation\":\"final_merge\",\"batch_id\":\"list\",\"database\":\"words\","
                + "\"chunk_results\":[\"intermediate/odd/chunk-0/\"]}");
        assertThat(work.letters)
                .singleElement()
                .satisfies(letter -> assertThat(letter.failure().message()).contains("intermediate/odd/chunk-0/@"));
        work.done(work.letters.getFirst().body());
        assertThat(versions()).isOne();
    }

    @Test
    void a_batch_whose_intermediate_is_gone_holds_up_itself_alone_and_is_made_again() {
        ready("gone");
        ready("b");
        store.delete(List.of("intermediate/gone/chunk-0/chroma.sqlite3"));

        work.done(finalMerge("b"));
        assertThat(work.live("words").lineage().names()).containsExactly(ChunkName.of("b", 0));
        assertThat(work.published("b").inside()).containsExactly(ChunkName.of("b", 0));
        assertThat(store.list("words/open/"))
                .as("it waits for its chunk")
                .singleElement()
                .satisfies(marker -> assertThat(marker.key()).endsWith("/gone"));
        assertThat(work.postponed(finalMerge("gone")).reason()).isEqualTo("object-replaced");

        work.drain();
        assertThat(work.live("words").lineage().names()).contains(ChunkName.of("gone", 0));
        assertThat(store.list("words/open/")).isEmpty();
    }

    @Test
    void a_batch_that_cannot_be_read_holds_up_itself_alone() {
        ready("torn");
        ready("b");
        var _ = store.put("batches/torn/plan.json", "{".getBytes(StandardCharsets.UTF_8));

        work.done(finalMerge("b"));
        assertThat(work.live("words").lineage().names()).containsExactly(ChunkName.of("b", 0));
        assertThat(work.refused(finalMerge("torn")).reason()).isEqualTo("object-unreadable");
    }

    @Test
    void deltas_that_are_announced_one_by_one_wait_for_one_another_before_they_are_published() {
        for (int i = 0; i < 5; i++) {
            work.done("{\"delta_key\":\"" + delta("d" + i) + "\",\"database\":\"words\"}");
        }
        assertThat(work.sent).hasSize(5).allMatch(body -> body.contains("final_merge"));
        assertThat(work.delays).containsOnly(Workplace.GATHER);
        work.drain();
        assertThat(versions()).isOne();
        assertThat(work.live("words").lineage().inputs()).hasSize(5);
    }

    @Test
    void a_batch_that_was_planned_waits_for_nobody() {
        delta("a");
        var producer = new Producer(store, "words");
        producer.send(
                producer.plan("a", List.of(producer.named("words/delta/a/")), 1, Policy.PUBLISH, "words"),
                bodies -> bodies.forEach(work::done));
        assertThat(work.delays).containsOnly(Duration.ZERO);
    }
}
