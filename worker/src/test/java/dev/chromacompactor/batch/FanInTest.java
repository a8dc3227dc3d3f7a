package dev.chromacompactor.batch;

import static dev.chromacompactor.batch.Fixture.empty;
import static dev.chromacompactor.batch.Fixture.failed;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.Plan.Part;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FanInTest {
    private final Fixture f = new Fixture();

    @ParameterizedTest(name = "{0} {1}: settled {2}, ready {3}")
    @CsvSource({
        "PUBLISH, DD, true,  true",
        "PUBLISH, DE, true,  true",
        "PUBLISH, DF, true,  true",
        "PUBLISH, FF, true,  true",
        "PUBLISH, D-, false, false",
        "PUBLISH, F-, false, false",
        "HOLD,    DD, true,  true",
        "HOLD,    DE, true,  true",
        "HOLD,    DF, true,  false",
        "HOLD,    D-, false, false"
    })
    void a_batch_is_ready_as_its_policy_says(Policy policy, String chunks, boolean settled, boolean ready) {
        f.enqueue("b", policy, chunks.length());
        for (int i = 0; i < chunks.length(); i++) {
            switch (chunks.charAt(i)) {
                case 'D' -> f.receipts.raise(f.done("b", i, 100));
                case 'E' -> f.receipts.raise(empty("b", i));
                case 'F' -> f.receipts.raise(failed("b", i));
                default -> {}
            }
        }

        Standing standing = f.fanIn.look("b").orElseThrow();

        assertThat(standing.settled()).isEqualTo(settled);
        assertThat(standing.ready()).isEqualTo(ready);
        assertThat(standing.stuck()).as("a planned chunk is on its way").isEmpty();
    }

    @Test
    void a_planned_chunk_without_a_receipt_is_missing_though_its_intermediate_is_there() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.done("b", 0, 100);

        assertThat(f.fanIn.look("b").orElseThrow().settled()).isFalse();
    }

    @Test
    void whoever_writes_the_last_receipt_sees_the_stage_settled() {
        f.enqueue("b", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 100));
        assertThat(f.fanIn.look("b").orElseThrow().settled()).isFalse();
        f.receipts.raise(f.done("b", 1, 100));
        assertThat(f.fanIn.look("b").orElseThrow().settled()).isTrue();
    }

    @Test
    void whoever_settles_a_group_sends_it_and_whoever_settles_the_last_group_the_final_merge() {
        Plan plan = f.enqueuePairs("b", Policy.PUBLISH, 4);
        f.receipts.raise(f.done("b", 0, 100));
        assertThat(f.fanIn.afterChunks("b", List.of(0))).isEmpty();
        f.receipts.raise(f.done("b", 2, 100));
        f.receipts.raise(failed("b", 3));
        assertThat(f.fanIn.afterChunks("b", List.of(3))).containsExactly(new Next.Group(1));
        f.receipts.raisePlanned(Fixture.failedGroup("b", 1));
        assertThat(f.fanIn.afterGroup(plan)).as("another group waits").isEmpty();
        f.receipts.raise(f.done("b", 1, 100));
        assertThat(f.fanIn.afterChunks("b", List.of(1))).containsExactly(new Next.Group(0));
        assertThat(f.fanIn.afterGroup(plan)).isEmpty();
        f.receipts.raisePlanned(f.group("b", 0, f.done("b", 0, 100), f.done("b", 1, 100)));
        assertThat(f.fanIn.afterGroup(plan)).containsExactly(new Next.Publish());
        assertThat(f.fanIn.afterChunks("b", List.of(1)))
                .as("a chunk that comes again, or later than its group")
                .containsExactly(new Next.Publish());
    }

    @Test
    void chunks_of_one_message_may_settle_several_groups() {
        f.enqueuePairs("b", Policy.PUBLISH, 6);
        for (int i = 0; i < 6; i++) {
            f.receipts.raise(f.done("b", i, 100));
        }
        assertThat(f.fanIn.afterChunks("b", List.of(1, 2, 3))).containsExactly(new Next.Group(0), new Next.Group(1));
    }

    @Test
    void without_groups_the_last_chunk_sends_the_final_merge_unless_the_batch_is_held() {
        f.enqueue("b", Policy.PUBLISH, 2);
        f.enqueue("h", Policy.HOLD, 2);
        for (String batch : List.of("b", "h")) {
            f.receipts.raise(f.done(batch, 0, 100));
            assertThat(f.fanIn.afterChunks(batch, List.of(0))).isEmpty();
            f.receipts.raise(failed(batch, 1));
        }
        assertThat(f.fanIn.afterChunks("b", List.of(1))).containsExactly(new Next.Publish());
        assertThat(f.fanIn.afterChunks("h", List.of(1))).isEmpty();
        f.receipts.raise(f.done("h", 1, 100));
        assertThat(f.fanIn.afterChunks("h", List.of(1))).containsExactly(new Next.Publish());
        assertThat(f.fanIn.afterChunks("no-plan", List.of(0))).isEmpty();
    }

    @Test
    void what_got_lost_is_sent_again_chunk_by_chunk_group_by_group_then_the_final_merge() {
        f.enqueuePairs("b", Policy.PUBLISH, 5);
        assertThat(next("b")).hasSize(5).contains(new Next.Chunk(4));
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(f.done("b", 1, 100));
        f.receipts.raise(failed("b", 2));
        f.receipts.raise(empty("b", 3));
        assertThat(next("b")).containsExactly(new Next.Chunk(4), new Next.Group(0), new Next.Group(1));
        assertThat(f.fanIn.look("b").orElseThrow().merging()).isTrue();
        f.receipts.raise(f.done("b", 4, 100));
        f.receipts.raisePlanned(Fixture.failedGroup("b", 0));
        assertThat(next("b")).containsExactly(new Next.Group(1), new Next.Group(2));
        f.receipts.raisePlanned(Receipt.empty("words", "b", Receipt.Kind.GROUP, 2, List.of(), "test"));
        assertThat(f.fanIn.look("b").orElseThrow().merging())
                .as("nothing of group 1 can be merged")
                .isFalse();
        f.receipts.raisePlanned(Receipt.empty("words", "b", Receipt.Kind.GROUP, 1, List.of(), "test"));
        assertThat(next("b")).containsExactly(new Next.Publish());
    }

    @Test
    void a_group_whose_chunks_are_published_already_holds_up_nobody_and_still_gets_its_receipt() {
        f.enqueuePairs("b", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(f.done("b", 1, 100));
        var chunks = List.of(
                new Lineage.Chunk(ChunkName.of("b", 0), null, null, "v"),
                new Lineage.Chunk(ChunkName.of("b", 1), null, null, "v"));
        var live = new Lineage(0, 1, chunks, List.of(), List.of(), Lineage.EMPTY.revoked());

        Standing seen = f.fanIn.look("b").orElseThrow();
        assertThat(seen.merging()).isTrue();
        assertThat(seen.against(live).merging()).isFalse();
        assertThat(seen.against(live).next()).containsExactly(new Next.Group(0));
    }

    @Test
    void a_held_batch_with_a_failed_chunk_needs_nothing_that_could_be_sent() {
        f.enqueue("b", Policy.HOLD, 2);
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(failed("b", 1));

        assertThat(next("b")).isEmpty();
    }

    private List<Next> next(String batch) {
        return f.fanIn.look(batch).orElseThrow().next();
    }

    @Test
    void many_receipts_are_read_side_by_side_and_stay_in_order() {
        f.enqueue("b", Policy.PUBLISH, 100);
        for (int i = 0; i < 100; i += 2) {
            f.receipts.raise(empty("b", i));
        }

        var items = f.fanIn.look("b").orElseThrow().items();

        assertThat(items).hasSize(100);
        for (int i = 0; i < 100; i++) {
            assertThat(items.get(i).name()).isEqualTo(ChunkName.of("b", i));
            assertThat(items.get(i).state()).isEqualTo(i % 2 == 0 ? new State.Empty() : new State.Missing());
        }
    }

    @Test
    void a_counted_chunk_is_there_if_its_receipt_or_its_intermediate_says_so() {
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(empty("b", 1));
        f.done("b", 2, 100);

        Standing standing = f.fanIn.look(Plan.counted("b", "words", 3, null));

        assertThat(standing.ready()).isTrue();
        assertThat(standing.items())
                .extracting(item -> item.state().getClass().getSimpleName())
                .containsExactly("Done", "Empty", "Done");
    }

    @Test
    void a_counted_chunk_nobody_has_heard_of_is_incomplete_by_name() {
        f.receipts.raise(f.done("b", 0, 100));

        Standing standing = f.fanIn.look(Plan.counted("b", "words", 2, null));

        assertThat(standing.stuck()).hasValueSatisfying(failure -> {
            assertThat(failure.reason()).isEqualTo("incomplete");
            assertThat(failure.blame()).isEqualTo(Blame.DOUBTFUL);
            assertThat(failure.message()).contains("b/1", "intermediate/b/chunk-1/chroma.sqlite3");
        });
    }

    @Test
    void a_listed_intermediate_that_is_not_there_is_named_at_once() {
        Standing standing = listed("intermediate/gone/merged/");

        assertThat(standing.stuck()).hasValueSatisfying(failure -> {
            assertThat(failure.reason()).isEqualTo("intermediate-missing");
            assertThat(failure.blame()).isEqualTo(Blame.INPUT);
            assertThat(failure.message()).contains("intermediate/gone/merged/");
        });
    }

    @Test
    void a_listed_intermediate_that_is_not_there_is_not_missed_if_its_receipt_says_empty_or_failed() {
        f.receipts.raise(empty("other", 0));
        f.receipts.raise(failed("other", 1));

        Standing standing = listed("intermediate/other/chunk-0/", "intermediate/other/chunk-1/");

        assertThat(standing.stuck()).isEmpty();
        assertThat(standing.items().get(0).state()).isEqualTo(new State.Empty());
        assertThat(standing.failed()).hasSize(1);
    }

    @Test
    void an_intermediate_of_no_batch_is_named_by_key_and_etag() {
        String etag = f.bucket.put("intermediate/x/merged/chroma.sqlite3", "rows".getBytes(UTF_8));

        Standing standing = listed("intermediate/x/merged/");

        assertThat(standing.items().getFirst().name()).isEqualTo(ChunkName.anonymous("intermediate/x/merged/", etag));
        assertThat(standing.items().getFirst().state())
                .isEqualTo(new State.Done("intermediate/x/merged/chroma.sqlite3", etag, null));
    }

    @Test
    void an_intermediate_of_another_batch_brings_its_receipt_along_if_it_names_that_object() {
        Receipt receipt = f.receipts.raise(f.done("run-group-0", 4, 100));

        assertThat(listed("intermediate/run-group-0/chunk-4/")
                        .items()
                        .getFirst()
                        .state())
                .isInstanceOfSatisfying(
                        State.Done.class, done -> assertThat(done.receipt()).isEqualTo(receipt));
        f.bucket.put(Fixture.object(receipt).key(), "other rows".getBytes(UTF_8));
        assertThat(listed("intermediate/run-group-0/chunk-4/")
                        .items()
                        .getFirst()
                        .state())
                .isInstanceOfSatisfying(
                        State.Done.class, done -> assertThat(done.receipt()).isNull());
    }

    @Test
    void a_collected_intermediate_that_is_inside_is_not_missed() {
        Receipt receipt = f.receipts.raise(f.done("x", 0, 100));
        String key = Fixture.object(receipt).key();
        var inside = new Lineage(
                0,
                1,
                List.of(new Lineage.Chunk(
                        ChunkName.anonymous(
                                "intermediate/x/chunk-0/",
                                Fixture.object(receipt).etag()),
                        key,
                        "e",
                        "v")),
                List.of(),
                List.of(),
                Lineage.EMPTY.revoked());
        f.bucket.delete(List.of(key));

        Standing standing = listed("intermediate/x/chunk-0/");

        assertThat(standing.stuck()).isPresent();
        assertThat(standing.against(inside).stuck()).isEmpty();
        assertThat(standing.against(inside).ready()).isTrue();
    }

    @Test
    void open_batches_are_those_with_a_marker_and_a_plan_of_this_database() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.enqueue("c", Policy.PUBLISH, 1);
        f.plans.create(Fixture.plan("closed", Policy.PUBLISH, 1));
        f.open.open("no-plan-yet");
        f.open.open("b");

        assertThat(f.fanIn.open("words")).extracting(Standing::batch).containsExactly("b", "c");
        f.open.close(List.of("b"));
        assertThat(f.fanIn.open("words")).extracting(Standing::batch).containsExactly("c");
        assertThat(f.open.list()).extracting(OpenBatches.Marker::batch).containsExactly("c", "no-plan-yet");
    }

    private Standing listed(String... keys) {
        return f.fanIn.look(Plan.listed(
                "b",
                "words",
                List.of(keys).stream().<Part>map(Part.Elsewhere::new).toList(),
                null));
    }
}
