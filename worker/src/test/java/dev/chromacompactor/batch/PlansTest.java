package dev.chromacompactor.batch;

import static dev.chromacompactor.batch.Fixture.assertRefused;
import static dev.chromacompactor.batch.Fixture.plan;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.batch.Plan.Part;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.UnsureBucket.Fate;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlansTest {
    private final Fixture f = new Fixture();

    @Test
    void a_plan_reads_back_as_it_was_written() {
        f.plans.create(plan("b", Policy.HOLD, 3));
        Plan listed = f.plans.createOrMeet(Plan.listed(
                "c",
                "words",
                List.of(
                        new Part.Elsewhere("intermediate/x/merged/"),
                        new Part.Empty(),
                        new Part.Failed("chunk 2: boom")),
                new PollResults("bkt", "poll/1.json")));

        assertThat(f.plans.read("b")).contains(plan("b", Policy.HOLD, 3));
        assertThat(f.plans.read("c")).contains(listed);
        assertThat(f.plans.read("d")).isEmpty();
    }

    @Test
    void enqueueing_an_equal_plan_again_finishes_the_job() {
        f.plans.create(plan("b", Policy.PUBLISH, 2));

        assertThat(f.plans.create(plan("b", Policy.PUBLISH, 2))).isEqualTo(plan("b", Policy.PUBLISH, 2));
    }

    @Test
    void the_same_batch_id_with_other_content_is_refused() {
        f.plans.create(plan("b", Policy.PUBLISH, 2));

        assertRefused(() -> f.plans.create(plan("b", Policy.PUBLISH, 3)), "batch-id-reused");
        assertRefused(() -> f.plans.create(plan("b", Policy.HOLD, 2)), "batch-id-reused");
    }

    @ParameterizedTest
    @EnumSource(
            value = Fate.class,
            names = {"APPLIED_BUT_UNKNOWN", "NOT_APPLIED_AND_UNKNOWN"})
    void an_unanswered_write_is_settled_by_reading(Fate fate) {
        f.bucket.next("batches/b/plan.json", fate);

        f.plans.create(plan("b", Policy.PUBLISH, 2));

        assertThat(f.plans.read("b")).contains(plan("b", Policy.PUBLISH, 2));
    }

    @Test
    void items_that_are_chunks_of_this_batch_are_known_by_index_others_by_key() {
        Plan plan = listed("intermediate/b/chunk-3/", "intermediate/other/chunk-0/", "intermediate/b-group-0/merged/");

        assertThat(plan.parts())
                .containsExactly(
                        new Part.Chunk(3),
                        new Part.Elsewhere("intermediate/other/chunk-0/"),
                        new Part.Elsewhere("intermediate/b-group-0/merged/"));
    }

    @Test
    void the_first_final_merges_list_is_the_plan_and_a_later_one_may_only_add() {
        f.plans.createOrMeet(listed("intermediate/b/chunk-0/", null));

        Plan later = listed("intermediate/b/chunk-0/", "intermediate/b/chunk-1/", "intermediate/x/merged/");
        assertThat(f.plans.createOrMeet(later)).isEqualTo(later);
        assertRefused(() -> f.plans.createOrMeet(listed("intermediate/b/chunk-1/")), "batch-id-reused");
        assertThat(f.plans.read("b")).as("it is never written again").contains(listed("intermediate/b/chunk-0/", null));
    }

    @Test
    void a_list_and_a_count_of_the_same_chunks_are_the_same_batch() {
        f.plans.createOrMeet(Plan.counted("b", "words", 2, null));

        f.plans.createOrMeet(listed("intermediate/b/chunk-0/", "intermediate/b/chunk-1/"));
        assertRefused(() -> f.plans.createOrMeet(Plan.counted("b", "words", 1, null)), "batch-id-reused");
    }

    @Test
    void a_batch_id_used_for_two_databases_is_refused() {
        f.plans.createOrMeet(Plan.counted("b", "words", 2, null));

        assertRefused(() -> f.plans.createOrMeet(Plan.counted("b", "lines", 2, null)), "batch-id-reused");
    }

    @Test
    void a_producers_plan_stands_whatever_a_final_merge_lists() {
        f.plans.create(plan("b", Policy.HOLD, 2));

        assertThat(f.plans.createOrMeet(listed("intermediate/b/chunk-1/"))).isEqualTo(plan("b", Policy.HOLD, 2));
        assertRefused(() -> f.plans.createOrMeet(listed("intermediate/b/chunk-2/")), "batch-id-reused");
    }

    @Test
    void a_list_of_nothing_is_poison() {
        assertRefused(() -> Plan.listed("b", "words", List.of(), null), "nothing-to-merge");
        assertRefused(() -> Plan.counted("b", "words", 0, null), "nothing-to-merge");
    }

    @Test
    void a_list_of_failures_alone_is_poison_and_becomes_no_plan() {
        List<Part> parts = List.of(new Part.Empty(), new Part.Failed("chunk_index 4: boom"));

        assertThatThrownBy(() -> f.plans.createOrMeet(Plan.listed("b", "words", parts, null)))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo("all-chunks-failed"))
                .hasMessageContainingAll("of its 2 items 1 failed", "chunk_index 4: boom");
        assertThat(f.plans.read("b")).isEmpty();
    }

    @Test
    void a_list_of_failures_alone_is_the_plans_business_where_there_is_one() {
        f.plans.create(plan("b", Policy.PUBLISH, 2));

        assertThat(f.plans.createOrMeet(Plan.listed("b", "words", List.of(new Part.Failed("boom")), null)))
                .isEqualTo(plan("b", Policy.PUBLISH, 2));
    }

    @Test
    void a_list_of_empties_alone_is_no_failure() {
        Plan empty = Plan.listed("b", "words", List.of(new Part.Empty()), null);

        assertThat(f.plans.createOrMeet(empty)).isEqualTo(empty);
    }

    /** Null stands for an item that failed. */
    private static Plan listed(@Nullable String... keys) {
        var parts = new java.util.ArrayList<Part>();
        for (@Nullable String key : keys) {
            parts.add(key == null ? new Part.Failed("chunk failed") : new Part.Elsewhere(key));
        }
        return Plan.listed("b", "words", parts, null);
    }
}
