package dev.chromacompactor.producer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.producer.Discovery.LeftOut;
import dev.chromacompactor.producer.Discovery.Why;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifests;
import dev.chromacompactor.store.MemoryObjectStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ProducerTest {
    private static final String VERSION = "20261124_080000_000001_0000abcd";
    private static final ChunkName CHUNK = ChunkName.of("earlier", 0);

    private Instant now = Instant.parse("2026-11-24T08:00:00Z");
    private final MemoryObjectStore store = new MemoryObjectStore("chroma-data", () -> now);
    private final Producer producer = new Producer(store, "words");
    private final List<String> sent = new ArrayList<>();

    /** A directory, written a second after the one before. */
    private void upload(String prefix) {
        now = now.plusSeconds(1);
        put(prefix + "chroma.sqlite3");
        put(prefix + "5d7c0a5e-0000/header.bin");
    }

    private void put(String key) {
        store.put(key, ("content of " + key).getBytes(UTF_8));
    }

    private static Lineage.Input input(LocatedDelta delta) {
        return new Lineage.Input(delta.key(), delta.identity(), 1, 0, CHUNK, VERSION);
    }

    private void publish(long horizon, List<LocatedDelta> inside, List<LocatedDelta> revoked) {
        var lineage = new Lineage(
                horizon,
                1,
                List.of(),
                inside.stream().map(ProducerTest::input).toList(),
                List.of(),
                new Lineage.Revoked(
                        List.of(), revoked.stream().map(ProducerTest::input).toList()));
        var manifest = Manifests.manifest(new Live.None(), VERSION, List.of(), lineage);
        store.put("words/snapshot/timestamped/" + VERSION + "/manifest.json", Json.write(manifest));
        store.put("words/snapshot/latest-pointer.txt", VERSION.getBytes(UTF_8));
    }

    private Plan plan(String batch, List<LocatedDelta> deltas) {
        return producer.plan(batch, deltas, 2, Policy.PUBLISH, null);
    }

    private List<String> fresh() {
        return keys(producer.discover("words/delta/").fresh());
    }

    private static List<String> keys(List<LocatedDelta> deltas) {
        return deltas.stream().map(LocatedDelta::key).toList();
    }

    private static String refusal(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(FailureException.class, call).failure().reason();
    }

    @Test
    void directories_and_archives_are_found_oldest_first() {
        upload("words/delta/zeta/");
        now = now.plusSeconds(1);
        put("words/delta/packed/delta.tar.gz");
        now = now.plusSeconds(1);
        put("words/delta/loose.tar.zst");
        upload("words/delta/2026/11/deep/");
        put("words/delta/notes.txt");
        put("words/delta/unfinished/5d7c0a5e-0000/header.bin");

        var found = producer.discover("words/delta/");

        assertThat(keys(found.fresh()))
                .containsExactly(
                        "words/delta/zeta/",
                        "words/delta/packed/",
                        "words/delta/loose.tar.zst",
                        "words/delta/2026/11/deep/");
        assertThat(found.leftOut()).isEmpty();
        assertThat(found.fresh()).extracting(LocatedDelta::archive).containsExactly(false, true, true, false);
        assertThat(found.fresh().getFirst().files()).hasSize(2);
        assertThat(found.fresh().getFirst()).isEqualTo(producer.named("words/delta/zeta"));
    }

    @Test
    void the_same_second_is_ordered_by_key() {
        put("words/delta/b/chroma.sqlite3");
        put("words/delta/a/chroma.sqlite3");

        assertThat(fresh()).containsExactly("words/delta/a/", "words/delta/b/");
    }

    @Test
    void what_workers_made_is_no_delta_however_wide_the_prefix() {
        put("words/snapshot/timestamped/20250101_000000_123456/chroma.sqlite3");
        store.put("words/snapshot/latest-pointer.txt", "20250101_000000_123456".getBytes(UTF_8));
        put("intermediate/b-1/chunk-0/chroma.sqlite3");
        upload("words/delta/a/");

        assertThat(keys(producer.discover("").fresh())).containsExactly("words/delta/a/");
    }

    @Test
    void a_prefix_that_ends_in_the_middle_never_sends_half_a_delta() {
        upload("words/delta/abc1/");
        upload("words/delta/abc2/");

        assertThat(keys(producer.discover("words/delta/abc1").fresh())).containsExactly("words/delta/abc1/");
        assertThat(producer.discover("words/delta/abc1/chroma").fresh()).isEmpty();
    }

    @Test
    void what_is_known_already_is_left_out_and_said_why() {
        upload("words/delta/old/");
        long horizon = now.plusSeconds(1).toEpochMilli();
        for (String name : List.of("live", "gone", "waiting", "fresh")) {
            upload("words/delta/" + name + "/");
        }
        publish(horizon, List.of(producer.named("words/delta/live/")), List.of(producer.named("words/delta/gone/")));
        producer.send(plan("b-1", List.of(producer.named("words/delta/waiting/"))), sent::addAll);

        var found = producer.discover("words/delta/");

        assertThat(keys(found.fresh())).containsExactly("words/delta/fresh/");
        assertThat(found.leftOut())
                .containsExactly(
                        new LeftOut("words/delta/gone/", Why.ROLLED_BACK),
                        new LeftOut("words/delta/live/", Why.LIVE),
                        new LeftOut("words/delta/old/", Why.BEFORE_HORIZON),
                        new LeftOut("words/delta/waiting/", Why.IN_OPEN_BATCH));
        assertThat(found.counts()).containsEntry(Why.LIVE, 1).hasSize(4);
    }

    @Test
    void a_delta_that_was_written_again_is_fresh_again() {
        upload("words/delta/a/");
        publish(0, List.of(producer.named("words/delta/a/")), List.of());
        assertThat(fresh()).isEmpty();

        store.put("words/delta/a/chroma.sqlite3", "mended".getBytes(UTF_8));

        assertThat(fresh()).containsExactly("words/delta/a/");
    }

    /** An upload in parts has the time at which it was begun, and a copy brings old times along: nothing goes by "newer than". */
    @Test
    void what_appears_late_with_an_old_time_is_found_all_the_same() {
        upload("words/delta/first/");
        Instant begun = now;
        upload("words/delta/second/");
        publish(0, List.of(producer.named("words/delta/first/"), producer.named("words/delta/second/")), List.of());

        now = begun.minusSeconds(60);
        put("words/delta/late/chroma.sqlite3");

        assertThat(fresh()).containsExactly("words/delta/late/");
    }

    @Test
    void what_is_older_than_the_snapshot_of_another_writer_is_inside_it() {
        upload("words/delta/before/");
        now = now.plusSeconds(1);
        put("words/snapshot/timestamped/20250101_000000_123456/chroma.sqlite3");
        store.put("words/snapshot/latest-pointer.txt", "20250101_000000_123456".getBytes(UTF_8));
        upload("words/delta/after/");

        var found = producer.discover("words/delta/");

        assertThat(keys(found.fresh())).containsExactly("words/delta/after/");
        assertThat(found.leftOut())
                .containsExactly(new LeftOut("words/delta/before/", Why.OLDER_THAN_FOREIGN_SNAPSHOT));
    }

    @Test
    void a_closed_batch_holds_nothing_back() {
        upload("words/delta/a/");
        producer.send(plan("b-1", List.of(producer.named("words/delta/a/"))), sent::addAll);
        assertThat(fresh()).isEmpty();

        new OpenBatches(store, "words").close(List.of("b-1"));

        assertThat(fresh()).containsExactly("words/delta/a/");
    }

    @Test
    void chunks_are_cut_by_count_in_the_order_given() {
        for (int i = 0; i < 5; i++) {
            upload("words/delta/d" + i + "/");
        }

        var plan = producer.plan("b-1", producer.discover("words/delta/").fresh(), 2, Policy.HOLD, "everything");

        assertThat(plan.policy()).isEqualTo(Policy.HOLD);
        assertThat(plan.parts())
                .extracting(part -> ((Plan.Part.Deltas) part)
                        .deltas().stream().map(Plan.Delta::key).toList())
                .containsExactly(
                        List.of("words/delta/d0/", "words/delta/d1/"),
                        List.of("words/delta/d2/", "words/delta/d3/"),
                        List.of("words/delta/d4/"));
        assertThat(plan.parts().getFirst())
                .isInstanceOfSatisfying(
                        Plan.Part.Deltas.class,
                        part -> assertThat(part.deltas())
                                .extracting(Plan.Delta::collection)
                                .containsOnly("everything"));
    }

    @Test
    void chunks_are_cut_by_bytes_too_and_many_of_them_are_grouped() {
        for (int i = 0; i < 6; i++) {
            upload("words/delta/d" + i + "/");
        }
        var found = producer.discover("words/delta/").fresh();
        long one = found.getFirst().bytes();

        var plan = producer.plan("b-1", found, new Chunking(9, 2 * one, 1), Policy.PUBLISH, null);

        assertThat(plan.parts())
                .hasSize(3)
                .allSatisfy(
                        part -> assertThat(((Plan.Part.Deltas) part).deltas()).hasSize(2));
        assertThat(plan.groups()).containsExactly(List.of(0), List.of(1), List.of(2));
        assertThat(plan("b-1", found).groups()).isEmpty();
    }

    @Test
    void groups_are_no_content_so_a_batch_sent_again_keeps_those_that_it_has() {
        for (int i = 0; i < 6; i++) {
            upload("words/delta/d" + i + "/");
        }
        var found = producer.discover("words/delta/").fresh();
        var chunking = Chunking.DEFAULT.withDeltas(2);
        var grouped = producer.plan("b-1", found, chunking.withGroup(1), Policy.PUBLISH, null);
        producer.send(grouped, sent::addAll);

        producer.send(producer.plan("b-1", found, chunking, Policy.PUBLISH, null), sent::addAll);
        assertThat(new Plans(store).read("b-1")).contains(grouped);

        var other = producer.plan("b-1", found, chunking.withBytes(1), Policy.PUBLISH, null);
        assertThat(refusal(() -> producer.send(other, sent::addAll))).isEqualTo("batch-id-reused");
    }

    @Test
    void sending_writes_the_plan_and_the_marker_before_a_message_for_each_chunk() {
        for (int i = 0; i < 3; i++) {
            upload("words/delta/d" + i + "/");
        }
        var plan = plan("b-1", producer.discover("words/delta/").fresh());

        producer.send(plan, bodies -> {
            assertThat(new Plans(store).read("b-1")).contains(plan);
            assertThat(store.head("words/open/b-1")).isPresent();
            sent.addAll(bodies);
        });

        assertThat(withoutTrace())
                .containsExactly(
                        StageMessages.processChunk("b-1", 0, "words"), StageMessages.processChunk("b-1", 1, "words"));
        assertThat(producer.standing("b-1").missing()).hasSize(2);
    }

    @Test
    void the_same_batch_can_be_sent_again_even_when_it_is_published_by_now() {
        upload("words/delta/a/");
        upload("words/delta/b/");
        var plan = plan("b-1", producer.discover("words/delta/", "b-1").fresh());
        producer.send(plan, sent::addAll);
        publish(0, List.of(producer.named("words/delta/a/")), List.of());

        var again = producer.discover("words/delta/", "b-1");

        assertThat(plan("b-1", again.fresh())).isEqualTo(plan);
        producer.send(plan("b-1", again.fresh()), sent::addAll);
        assertThat(withoutTrace()).hasSize(2).containsOnly(StageMessages.processChunk("b-1", 0, "words"));
    }

    private Stream<String> withoutTrace() {
        return sent.stream().map(body -> body.replaceFirst("\"traceparent\":\"[^\"]+\",", ""));
    }

    @Test
    void a_batch_id_is_never_used_for_other_content() {
        upload("words/delta/a/");
        producer.send(plan("b-1", producer.discover("words/delta/").fresh()), sent::addAll);
        upload("words/delta/b/");

        var other = plan("b-1", producer.discover("words/delta/", "b-1").fresh());

        assertThat(refusal(() -> producer.send(other, sent::addAll))).isEqualTo("batch-id-reused");
        assertThat(sent).hasSize(1);
    }

    @Test
    void what_cannot_be_sent_is_refused_by_name() {
        upload("words/delta/a/");
        var delta = List.of(producer.named("words/delta/a/"));

        assertThat(refusal(() -> new Producer(store, "a/b"))).isEqualTo("database-invalid");
        assertThat(refusal(() -> producer.named("words/delta/none"))).isEqualTo("delta-missing");
        assertThat(refusal(() -> plan("..", delta))).isEqualTo("batch-invalid");
        assertThat(refusal(() -> plan("b-1", List.of()))).isEqualTo("nothing-to-send");
        assertThat(refusal(() -> producer.standing("b-9"))).isEqualTo("batch-unknown");
    }

    @Test
    void one_listing_is_enough_for_any_number_of_deltas() {
        for (int i = 0; i < 50; i++) {
            upload("words/delta/d" + i + "/");
        }
        var listings = new ArrayList<String>();
        store.onCall(call -> {
            if (call.kind() == MemoryObjectStore.Kind.LIST) {
                listings.add(call.key());
            }
        });

        assertThat(fresh()).hasSize(50);
        assertThat(listings).filteredOn(key -> key.startsWith("words/delta/")).hasSize(1);
    }
}
