package dev.chromacompactor.batch;

import static dev.chromacompactor.batch.Fixture.assertRefused;
import static dev.chromacompactor.batch.Fixture.empty;
import static dev.chromacompactor.batch.Fixture.failed;
import static dev.chromacompactor.batch.Fixture.inputs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.UnsureBucket.Fate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ReceiptsTest {
    private final Fixture f = new Fixture();

    @Test
    void a_receipt_reads_back_as_it_was_written() {
        Receipt done = f.done("b", 0, 100);
        f.receipts.raise(done);
        f.receipts.raise(failed("b", 1));
        f.receipts.raise(empty("b", 2));

        assertThat(f.receipts.chunk("b", 0)).contains(done);
        assertThat(f.receipts.chunk("b", 1)).contains(failed("b", 1));
        assertThat(f.receipts.chunk("b", 2)).contains(empty("b", 2));
        assertThat(f.receipts.chunk("b", 3)).isEmpty();
    }

    @Test
    void a_slow_failing_duplicate_does_not_overwrite_what_is_done() {
        Receipt done = f.receipts.raise(f.done("b", 0, 100));

        assertThat(f.receipts.raise(failed("b", 0))).isEqualTo(done);
        assertThat(f.receipts.chunk("b", 0)).contains(done);
    }

    @Test
    void a_repaired_chunk_moves_up_to_done() {
        f.receipts.raise(failed("b", 0));
        Receipt done = f.done("b", 0, 100);

        assertThat(f.receipts.raise(done)).isEqualTo(done);
        assertThat(f.receipts.chunk("b", 0)).contains(done);
    }

    @Test
    void the_first_failure_stays_since_it_pins_the_time_of_first_sight() {
        f.receipts.raise(failed("b", 0));

        assertThat(f.receipts.raise(failed("b", 0, "index-torn"))).isEqualTo(failed("b", 0));
        assertThat(failed("b", 0).pinned("words/delta/b-0/")).contains(100L);
    }

    @Test
    void another_intermediate_is_accepted_only_while_the_first_is_gone() {
        Receipt first = f.receipts.raise(f.done("b", 0, 100));
        Receipt second = withEtag(first, "e2");
        assertThat(f.receipts.raise(second)).isEqualTo(first);

        f.bucket.delete(List.of(Fixture.object(first).key()));
        assertThat(f.receipts.raise(second)).isEqualTo(second);
    }

    @Test
    void a_late_workers_recreated_intermediate_with_other_bytes_counts_as_gone() {
        Receipt first = f.receipts.raise(f.done("b", 0, 100));
        f.bucket.delete(List.of(Fixture.object(first).key()));
        Receipt again = f.done("b", 0, inputs("b", 0, 100), 8, "l2", 6, false, "other rows");

        assertThat(f.receipts.isThere(Fixture.object(first))).isFalse();
        assertThat(f.receipts.raise(again)).isEqualTo(again);
    }

    @ParameterizedTest
    @EnumSource(
            value = Fate.class,
            names = {"APPLIED_BUT_UNKNOWN", "NOT_APPLIED_AND_UNKNOWN"})
    void an_unanswered_write_is_settled_by_reading(Fate fate) {
        f.bucket.next("batches/b/chunk-0.json", fate);
        f.receipts.raise(failed("b", 0));
        f.bucket.next("batches/b/chunk-0.json", fate);
        Receipt done = f.receipts.raise(f.done("b", 0, 100));

        assertThat(f.receipts.chunk("b", 0)).contains(done);
    }

    @Test
    void a_failed_write_that_is_applied_late_does_not_come_over_done() {
        f.bucket.next("batches/b/chunk-0.json", Fate.APPLIED_LATER);
        f.receipts.raise(failed("b", 0));
        Receipt done = f.receipts.raise(f.done("b", 0, 100));

        assertThat(f.bucket.deliverLate()).isFalse();

        assertThat(f.receipts.chunk("b", 0)).contains(done);
    }

    @Test
    void a_store_that_never_answers_is_the_stores_fault() {
        f.bucket.fates(_ -> Fate.NOT_APPLIED_AND_UNKNOWN);

        assertThatThrownBy(() -> f.receipts.raise(failed("b", 0)))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().blame()).isEqualTo(Blame.DEPENDENCY));
    }

    @Test
    void a_batch_id_used_again_for_other_deltas_is_refused_not_taken_for_done() {
        f.receipts.raise(f.done("b", 0, 100));

        assertRefused(
                () -> f.receipts.raise(f.done("b", 0, inputs("other", 0, 100), 8, "l2", 6, false, "x")),
                "batch-id-reused");
        assertRefused(
                () -> f.receipts.requireUnused("words", "b", Receipt.Kind.CHUNK, 0, Set.of("words/delta/zzz/")),
                "batch-id-reused");
        assertRefused(
                () -> f.receipts.requireUnused("lines", "b", Receipt.Kind.CHUNK, 0, Set.of("words/delta/b-0/")),
                "batch-id-reused");
        f.receipts.requireUnused("words", "b", Receipt.Kind.CHUNK, 0, Set.of("words/delta/b-0/"));
        f.receipts.requireUnused("words", "b", Receipt.Kind.CHUNK, 1, Set.of("words/delta/zzz/"));
    }

    @Test
    void an_empty_chunk_is_done_and_other_work_under_its_name_is_refused() {
        f.receipts.raise(empty("b", 0));

        assertRefused(() -> f.receipts.raise(f.done("b", 0, 100)), "batch-id-reused");
    }

    @Test
    void a_failed_chunk_may_be_processed_again_without_one_of_its_deltas() {
        var both = new ArrayList<>(inputs("b", 0, 100));
        both.addAll(inputs("b", 7, 100));
        f.receipts.raise(Receipt.failed(
                "words",
                "b",
                Receipt.Kind.CHUNK,
                0,
                both,
                new Failure(Blame.INPUT, "contains-rolled-back-input", "delta 7"),
                "test"));

        Receipt done = f.receipts.raise(f.done("b", 0, 100));

        assertThat(f.receipts.chunk("b", 0)).contains(done);
    }

    @Test
    void of_racing_duplicates_done_always_stays() throws Exception {
        for (int round = 0; round < 200; round++) {
            String batch = "r" + round;
            Receipt done = f.done(batch, 0, 100);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> racers = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    boolean fails = i % 2 == 0;
                    racers.add(threads.submit(() -> f.receipts.raise(fails ? failed(batch, 0) : done)));
                }
                for (Future<?> racer : racers) {
                    racer.get();
                }
            }
            assertThat(f.receipts.chunk(batch, 0)).contains(done);
        }
    }

    private static Receipt withEtag(Receipt receipt, String etag) {
        var intermediate = Fixture.object(receipt);
        return new Receipt(
                receipt.format(),
                receipt.database(),
                receipt.batch(),
                receipt.kind(),
                receipt.index(),
                receipt.status(),
                receipt.inputs(),
                receipt.covers(),
                new Receipt.Intermediate(intermediate.key(), etag, intermediate.size(), "sha2"),
                receipt.collections(),
                Objects.requireNonNull(receipt.level()),
                receipt.lists(),
                receipt.records(),
                receipt.ledger(),
                receipt.digest(),
                receipt.warnings(),
                null,
                null,
                receipt.timings(),
                receipt.build());
    }
}
