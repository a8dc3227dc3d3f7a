package dev.chromacompactor.batch;

import static dev.chromacompactor.batch.Fixture.DAY;
import static dev.chromacompactor.batch.Fixture.delta;
import static dev.chromacompactor.batch.Fixture.empty;
import static dev.chromacompactor.batch.Fixture.failed;
import static dev.chromacompactor.batch.Fixture.inputs;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.Plan.Part;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Manifest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TakeTest {
    private static final String OLD = "20261123_080000_000003_0123abcd";
    private static final String NEXT = "20261124_080000_000004_0123abcd";

    private final Fixture f = new Fixture();

    @Test
    void done_chunks_are_taken_in_the_order_of_their_stamps_and_failed_ones_excused_by_name() {
        f.enqueue("b", Policy.PUBLISH, 4);
        f.receipts.raise(f.done("b", 0, 300));
        f.receipts.raise(f.done("b", 1, 100));
        f.receipts.raise(failed("b", 2));
        f.receipts.raise(empty("b", 3));

        Take take = take(Base.NONE, "b");

        assertThat(names(take)).containsExactly("b/1", "b/0");
        assertThat(take.excuses()).singleElement().satisfies(excuse -> {
            assertThat(excuse.chunk()).isEqualTo(ChunkName.of("b", 2));
            assertThat(excuse.reason()).isEqualTo("sqlite-corrupt");
            assertThat(excuse.receipt()).isEqualTo("batches/b/chunk-2.json");
        });
        assertThat(take.refused()).as("its letter was sent when it failed").isEmpty();
        assertThat(take.ownReady()).isTrue();
        assertThat(take.closed()).isEmpty();
        assertThat(take.inputs(NEXT)).extracting(Lineage.Input::key).containsExactly(delta("b", 1), delta("b", 0));
        assertThat(take.chunks(NEXT))
                .contains(new Lineage.Chunk(
                        ChunkName.of("b", 0),
                        "intermediate/b/chunk-0/chroma.sqlite3",
                        take.folds().getLast().etag(),
                        NEXT));
    }

    @Test
    void a_publisher_takes_along_what_other_batches_have_ready() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.enqueue("c", Policy.PUBLISH, 1);
        f.enqueue("waiting", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(f.done("c", 0, 100));
        f.receipts.raise(f.done("waiting", 0, 100));

        assertThat(names(take(Base.NONE, "b"))).containsExactly("b/0", "c/0");
    }

    @Test
    void an_own_batch_that_is_not_settled_is_left_to_who_settles_it() {
        f.enqueue("b", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 100));

        Take take = take(Base.NONE, "b");

        assertThat(take.ownReady()).isFalse();
        assertThat(take.nothing()).isTrue();
    }

    @Test
    void a_batch_on_hold_gives_nothing_until_all_chunks_are_in() {
        f.enqueue("b", Policy.HOLD, 2);
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(failed("b", 1));
        assertThat(take(Base.NONE, "b").nothing()).isTrue();
        assertThat(take(Base.NONE, "b").ownReady()).isFalse();

        f.receipts.raise(f.done("b", 1, 100));
        assertThat(names(take(Base.NONE, "b"))).containsExactly("b/0", "b/1");
    }

    @Test
    void a_repaired_chunk_comes_in_later_and_is_excused_no_more() {
        f.enqueue("b", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(failed("b", 1));
        Base live = after(Base.NONE, take(Base.NONE, "b"));
        assertThat(live.lineage().excused()).hasSize(1);

        f.receipts.raise(f.done("b", 1, 100));
        Take take = take(live, "b");

        assertThat(names(take)).containsExactly("b/1");
        assertThat(take.excuses()).isEmpty();
        assertThat(take.inside()).containsExactly(ChunkName.of("b", 0));
        assertThat(take(after(live, take), "b").closed()).containsExactly("b");
    }

    @Test
    void only_the_live_manifest_decides_what_is_inside() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.receipts.raise(f.done("b", 0, 100));
        f.bucket.put("batches/b/published.json", "{}".getBytes(UTF_8));

        assertThat(names(take(Base.NONE, "b"))).containsExactly("b/0");
    }

    @Test
    void a_duplicate_final_merge_finds_nothing_to_take() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.receipts.raise(f.done("b", 0, 100));
        Base live = after(Base.NONE, take(Base.NONE, "b"));

        Take take = take(live, "b");

        assertThat(take.nothing()).isTrue();
        assertThat(take.closed()).containsExactly("b");
    }

    @Test
    void empty_and_excused_chunks_alone_make_no_version() {
        f.enqueue("b", Policy.PUBLISH, 2);
        f.receipts.raise(empty("b", 0));
        f.receipts.raise(failed("b", 1));
        f.enqueue("c", Policy.PUBLISH, 1);
        f.receipts.raise(empty("c", 0));

        Take take = take(Base.NONE, "b");

        assertThat(take.nothing()).isTrue();
        assertThat(take.excuses()).hasSize(1);
        assertThat(take.closed()).as("what failed may still come").containsExactly("c");
    }

    @Test
    void what_a_rollback_took_out_stays_out() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.receipts.raise(f.done("b", 0, 100));
        Base live = base(0, List.of(), List.of(), new Lineage.Revoked(List.of(chunk("b", 0)), List.of()), 8, "l2", 6);

        Take take = take(live, "b");

        assertThat(take.nothing()).isTrue();
        assertThat(take.excuses()).isEmpty();
        assertThat(take.closed()).containsExactly("b");
    }

    @Test
    void a_chunk_with_a_rolled_back_delta_among_others_is_refused_whole() {
        f.enqueue("b", Policy.PUBLISH, 1);
        var both = new ArrayList<>(inputs("b", 0, 100));
        both.addAll(inputs("gone", 0, 100));
        f.receipts.raise(f.done("b", 0, both, 8, "l2", 6, false, "rows"));
        var gone = new Lineage.Input(delta("gone", 0), "id-gone-0", 100, 0, ChunkName.of("gone", 0), OLD);
        Base live = base(0, List.of(), List.of(), new Lineage.Revoked(List.of(), List.of(gone)), 8, "l2", 6);

        Take take = take(live, "b");

        assertThat(take.nothing()).isTrue();
        assertThat(reasons(take.refused())).containsExactly("b/0 contains-rolled-back-input");
    }

    @Test
    void one_chunk_that_does_not_fit_stops_nobody_else() {
        f.enqueue("b", Policy.PUBLISH, 4);
        f.receipts.raise(f.done("b", 0, inputs("b", 0, 100), 9, "l2", 6, false, "x"));
        f.receipts.raise(f.done("b", 1, inputs("b", 1, 100), 8, "cosine", 6, false, "x"));
        f.receipts.raise(f.done("b", 2, inputs("b", 2, 100), 8, "l2", 6, true, "x"));
        f.receipts.raise(f.done("b", 3, inputs("b", 3, 100), 8, "l2", 5, false, "x"));
        Base live = base(0, List.of(), List.of(), Lineage.EMPTY.revoked(), 8, "l2", 5);

        Take take = take(live, "b");

        assertThat(names(take)).containsExactly("b/3");
        assertThat(reasons(take.refused()))
                .containsExactly("b/0 dimension-mismatch", "b/1 space-mismatch", "b/2 schema-level-too-low");
        assertThat(take.excuses()).containsExactlyInAnyOrderElementsOf(take.refused());
    }

    @Test
    void a_refusal_is_remembered_with_the_intermediates_etag_and_not_tried_again() {
        f.enqueue("b", Policy.PUBLISH, 1);
        Receipt receipt = f.receipts.raise(f.done("b", 0, inputs("b", 0, 100), 9, "l2", 6, false, "x"));
        Base live = base(0, List.of(), List.of(), Lineage.EMPTY.revoked(), 8, "l2", 6);
        Take first = take(live, "b");
        live = withExcuses(live, first.excuses());

        assertThat(take(live, "b").refused()).isEmpty();
        assertThat(take(live, "b").excuses()).isEqualTo(live.lineage().excused());

        f.bucket.delete(List.of(Fixture.object(receipt).key()));
        f.receipts.raise(f.done("b", 0, inputs("b", 0, 100), 8, "l2", 6, false, "repaired"));
        assertThat(names(take(live, "b"))).containsExactly("b/0");
    }

    @Test
    void without_a_base_the_smallest_stamp_sets_dimension_and_level() {
        f.enqueue("b", Policy.PUBLISH, 3);
        f.receipts.raise(f.done("b", 0, inputs("b", 0, 200), 9, "l2", 6, false, "x"));
        f.receipts.raise(f.done("b", 1, inputs("b", 1, 100), 8, "l2", 5, false, "x"));
        f.receipts.raise(f.done("b", 2, inputs("b", 2, 300), 8, "l2", 6, true, "x"));

        Take take = take(Base.NONE, "b");

        assertThat(names(take)).containsExactly("b/1");
        assertThat(reasons(take.refused())).containsExactly("b/0 dimension-mismatch", "b/2 schema-level-too-low");
    }

    @Test
    void inputs_before_the_horizon_are_refused_by_name_and_the_rest_of_their_chunk_is_taken() {
        f.enqueue("b", Policy.PUBLISH, 3);
        var mixed = new ArrayList<>(inputs("b", 0, 10 * DAY));
        mixed.addAll(inputs("late", 0, 2 * DAY));
        f.receipts.raise(f.done("b", 0, mixed, 8, "l2", 6, false, "x"));
        f.receipts.raise(f.done("b", 1, 2 * DAY));
        f.receipts.raise(f.done("b", 2, 5 * DAY));
        Base live = base(5 * DAY, List.of(), List.of(), Lineage.EMPTY.revoked(), 8, "l2", 6);

        Take take = take(live, "b");

        assertThat(names(take)).containsExactly("b/0", "b/2");
        assertThat(reasons(take.refused()))
                .containsExactlyInAnyOrder("b/0 words/delta/late-0/ older-than-horizon", "b/1 older-than-horizon");
        assertThat(take.inputs(NEXT)).extracting(Lineage.Input::key).containsExactly(delta("b", 0), delta("b", 2));
    }

    @Test
    void an_old_input_that_is_inside_is_not_refused() {
        f.enqueue("b", Policy.PUBLISH, 1);
        var mixed = new ArrayList<>(inputs("b", 0, 10 * DAY));
        mixed.addAll(inputs("old", 0, 2 * DAY));
        f.receipts.raise(f.done("b", 0, mixed, 8, "l2", 6, false, "x"));
        var inside = new Lineage.Input(delta("old", 0), "id-old-0", 2 * DAY, 0, ChunkName.of("old", 0), OLD);
        Base live = base(5 * DAY, List.of(), List.of(inside), Lineage.EMPTY.revoked(), 8, "l2", 6);

        assertThat(take(live, "b").refused()).isEmpty();
        assertThat(names(take(live, "b"))).containsExactly("b/0");
    }

    @Test
    void one_refused_input_refuses_a_batch_on_hold_and_only_that() {
        f.enqueue("held", Policy.HOLD, 2);
        f.receipts.raise(f.done("held", 0, 10 * DAY));
        var mixed = new ArrayList<>(inputs("held", 1, 10 * DAY));
        mixed.addAll(inputs("late", 0, 2 * DAY));
        f.receipts.raise(f.done("held", 1, mixed, 8, "l2", 6, false, "x"));
        f.enqueue("b", Policy.PUBLISH, 1);
        f.receipts.raise(f.done("b", 0, 10 * DAY));
        Base live = base(5 * DAY, List.of(), List.of(), Lineage.EMPTY.revoked(), 8, "l2", 6);

        Take take = take(live, "held");

        assertThat(names(take)).containsExactly("b/0");
        assertThat(reasons(take.refused()))
                .containsExactlyInAnyOrder("held/0 older-than-horizon", "held/1 older-than-horizon");
    }

    @Test
    void a_batch_on_hold_that_is_refused_does_not_shape_the_first_version() {
        f.enqueue("held", Policy.HOLD, 2);
        f.receipts.raise(f.done("held", 0, inputs("held", 0, 10), 9, "l2", 6, false, "x"));
        f.receipts.raise(f.done("held", 1, inputs("held", 1, 20), 7, "l2", 6, false, "x"));
        f.enqueue("b", Policy.PUBLISH, 1);
        f.receipts.raise(f.done("b", 0, 100));

        assertThat(names(take(Base.NONE, "b"))).containsExactly("b/0");
    }

    @Test
    void a_batch_older_than_the_horizon_is_closed_as_expired() {
        f.bucket.setNow(Instant.ofEpochMilli(2 * DAY));
        f.enqueue("b", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 2 * DAY));
        f.receipts.raise(failed("b", 1));
        Base live = base(5 * DAY, List.of(), List.of(), Lineage.EMPTY.revoked(), 8, "l2", 6);

        assertThat(take(live, "b").closed()).containsExactly("b");
    }

    @Test
    void an_intermediate_of_no_batch_is_taken_once_by_key_and_etag() {
        f.bucket.put("intermediate/x/merged/chroma.sqlite3", "rows".getBytes(UTF_8));
        Plan plan = Plan.listed("b", "words", List.of(new Part.Elsewhere("intermediate/x/merged/")), null);
        Take take = Take.decide(Base.NONE, List.of(), f.fanIn.look(plan));
        assertThat(take.folds()).hasSize(1);
        Base live = after(Base.NONE, take);
        assertThat(Take.decide(live, List.of(), f.fanIn.look(plan)).nothing()).isTrue();

        f.bucket.put("intermediate/x/merged/chroma.sqlite3", "other rows".getBytes(UTF_8));
        assertThat(Take.decide(live, List.of(), f.fanIn.look(plan)).folds()).hasSize(1);
    }

    @Test
    void a_failed_item_is_excused_until_a_later_list_names_its_key() {
        f.bucket.put("intermediate/x/merged/chroma.sqlite3", "rows".getBytes(UTF_8));
        f.bucket.put("intermediate/y/merged/chroma.sqlite3", "more rows".getBytes(UTF_8));
        var x = new Part.Elsewhere("intermediate/x/merged/");
        Plan first = Plan.listed("b", "words", List.of(x, new Part.Failed("chunk 1: boom")), null);
        Take take = Take.decide(Base.NONE, List.of(), f.fanIn.look(first));
        assertThat(reasons(take.excuses())).containsExactly("b/item-1 chunk-failed-before");
        assertThat(take.excuses().getFirst().message()).isEqualTo("chunk 1: boom");

        Plan later = Plan.listed("b", "words", List.of(x, new Part.Elsewhere("intermediate/y/merged/")), null);
        Take second = Take.decide(after(Base.NONE, take), List.of(f.fanIn.look(first)), f.fanIn.look(later));
        assertThat(second.folds()).extracting(Take.Fold::key).containsExactly("intermediate/y/merged/chroma.sqlite3");
        assertThat(second.excuses()).isEmpty();
    }

    @Test
    void excuses_of_batches_that_are_closed_long_since_stay_as_they_are() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.receipts.raise(f.done("b", 0, 100));
        var old = new Excuse(ChunkName.of("gone", 3), null, "index-torn", "m", null, null, OLD);
        Base live = withExcuses(base(0, List.of(), List.of(), Lineage.EMPTY.revoked(), 8, "l2", 6), List.of(old));

        assertThat(take(live, "b").excuses()).containsExactly(old);
    }

    @Test
    void a_groups_output_brings_the_names_of_the_chunks_it_covers() {
        f.bucket.put("intermediate/run-group-0-group-0/merged/chroma.sqlite3", "rows".getBytes(UTF_8));
        String etag = f.bucket
                .head("intermediate/run-group-0-group-0/merged/chroma.sqlite3")
                .orElseThrow()
                .etag();
        Receipt done = f.done("run", 0, 100);
        f.receipts.raise(new Receipt(
                Receipt.FORMAT,
                "words",
                "run-group-0",
                Receipt.Kind.GROUP,
                0,
                Receipt.Status.DONE,
                List.of(new Receipt.Input("intermediate/run/chunk-0/", "e", null, 0, null, 10)),
                List.of(ChunkName.of("run", 0)),
                new Receipt.Intermediate("intermediate/run-group-0-group-0/merged/chroma.sqlite3", etag, 4, "sha"),
                done.collections(),
                new Manifest.Level(10, 6, 2),
                false,
                10,
                null,
                "d",
                List.of(),
                null,
                null,
                java.util.Map.of(),
                "test"));
        Plan plan = Plan.listed(
                "run", "words", List.of(new Part.Elsewhere("intermediate/run-group-0-group-0/merged/")), null);

        Take take = Take.decide(Base.NONE, List.of(), f.fanIn.look(plan));

        assertThat(take.chunks(NEXT))
                .extracting(chunk -> chunk.name().text())
                .containsExactly("intermediate/run-group-0-group-0/merged/@" + etag, "run/0");
        assertThat(take.chunks(NEXT).getLast()).isEqualTo(new Lineage.Chunk(ChunkName.of("run", 0), null, null, NEXT));
    }

    @Test
    void a_groups_output_brings_the_deltas_of_its_chunks_and_is_refused_for_one_that_was_rolled_back() {
        Receipt first = f.receipts.raise(f.done("run", 0, 100));
        Receipt second = f.receipts.raise(f.done("run", 1, 200));
        String key = "intermediate/run-group-0-group-0/merged/";
        String etag = f.bucket.put(key + "chroma.sqlite3", "rows".getBytes(UTF_8));
        f.receipts.raise(new Receipt(
                Receipt.FORMAT,
                "words",
                "run-group-0",
                Receipt.Kind.GROUP,
                0,
                Receipt.Status.DONE,
                Stream.of(first, second)
                        .map(chunk -> new Receipt.Input(
                                BatchKeys.chunk("run", chunk.index()),
                                Fixture.object(chunk).etag(),
                                null,
                                0,
                                null,
                                10))
                        .toList(),
                List.of(),
                new Receipt.Intermediate(key + "chroma.sqlite3", etag, 4, "sha"),
                first.collections(),
                new Manifest.Level(10, 6, 2),
                false,
                20,
                null,
                "d",
                List.of(),
                null,
                null,
                java.util.Map.of(),
                "test"));
        Plan plan = Plan.listed("run", "words", List.of(new Part.Elsewhere(key)), null);

        assertThat(Take.decide(Base.NONE, List.of(), f.fanIn.look(plan)).inputs(NEXT))
                .extracting(Lineage.Input::key)
                .containsExactly(delta("run", 0), delta("run", 1));

        var gone = new Lineage.Input(delta("run", 1), "id-run-1", 200, 0, ChunkName.of("gone", 0), OLD);
        Base live = base(0, List.of(), List.of(), new Lineage.Revoked(List.of(), List.of(gone)), 8, "l2", 6);
        assertThat(Take.decide(live, List.of(), f.fanIn.look(plan)).refused())
                .extracting(Excuse::reason)
                .containsExactly("contains-rolled-back-input");
    }

    private Take take(Base base, String own) {
        return Take.decide(base, f.fanIn.open("words"), f.fanIn.look(own).orElseThrow());
    }

    /** The base as it is once this was published. */
    private static Base after(Base base, Take take) {
        Lineage next = base.lineage()
                .next(
                        OLD,
                        Instant.parse("2026-11-23T08:00:00Z"),
                        java.time.Duration.ofDays(30),
                        take.chunks(OLD),
                        take.inputs(OLD),
                        take.excuses(),
                        _ -> true);
        return new Base(next, base.collections(), levelOf(base));
    }

    private static Base withExcuses(Base base, List<Excuse> excuses) {
        Lineage old = base.lineage();
        return new Base(
                new Lineage(old.horizon(), old.born(), old.chunks(), old.inputs(), excuses, old.revoked()),
                base.collections(),
                levelOf(base));
    }

    private static Manifest.Level levelOf(Base base) {
        return base.level() == null ? new Manifest.Level(10, 6, 2) : base.level();
    }

    private static Base base(
            long horizon,
            List<Lineage.Chunk> chunks,
            List<Lineage.Input> inputs,
            Lineage.Revoked revoked,
            int dimension,
            String space,
            int metadb) {
        return new Base(
                new Lineage(horizon, 1, chunks, inputs, List.of(), revoked),
                List.of(new Manifest.Collection("words", "id", 10, dimension, space)),
                new Manifest.Level(10, metadb, 2));
    }

    private static Lineage.Chunk chunk(String batch, int index) {
        return new Lineage.Chunk(ChunkName.of(batch, index), "k", "e", OLD);
    }

    private static List<String> names(Take take) {
        return take.folds().stream().map(fold -> fold.name().text()).toList();
    }

    private static List<String> reasons(List<Excuse> excuses) {
        return excuses.stream()
                .map(excuse -> Stream.of(excuse.chunk().text(), excuse.input(), excuse.reason())
                        .filter(TakeTest::isThere)
                        .collect(java.util.stream.Collectors.joining(" ")))
                .toList();
    }

    private static boolean isThere(@Nullable String text) {
        return text != null;
    }
}
