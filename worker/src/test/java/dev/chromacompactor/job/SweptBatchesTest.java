package dev.chromacompactor.job;

import static dev.chromacompactor.job.Workplace.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.Schemas;
import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Swept;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.upkeep.Sweeper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** Whatever message of a planned batch gets lost: an idle worker sends it again, and not more often than it must. */
class SweptBatchesTest extends TimedWork {
    private static final Duration HOUR = Duration.ofHours(1);

    private SmallDelta delta(String name) {
        return SmallDelta.writtenAt(MONDAY.plusSeconds(name.hashCode() % 60))
                .upsert(name, name.hashCode())
                .put(store, key(name), scratch);
    }

    private Sweeper sweeper() {
        return sweeper(work.sent::addAll);
    }

    private Sweeper sweeper(Sender sender) {
        return new Sweeper(store, sender, HOUR, Metrics.none());
    }

    private void sweep() {
        sweeper().sweep("words", () -> true);
    }

    private List<String> operations() {
        return work.sent.stream()
                .map(body -> Workplace.tree(body).path("operation").asText()
                        + Workplace.tree(body).path("chunk_index").asText())
                .toList();
    }

    private Swept swept(String batch) {
        return Swept.read(store, batch).orElseThrow();
    }

    private long published() {
        return work.catalog("words").live() instanceof Live.Ours ours
                ? ours.manifest().contents().records()
                : 0;
    }

    private boolean isOpen(String batch) {
        return work.has(BatchKeys.open("words", batch));
    }

    @Test
    void a_chunk_whose_message_got_lost_is_sent_again_and_the_batch_is_published() {
        delta("a");
        delta("b");
        work.enqueue("one", Policy.PUBLISH, "a", "b");
        work.sent.removeLast();
        work.drain();
        assertThat(published()).isZero();

        later(HOUR.minusSeconds(1));
        sweep();
        assertThat(work.sent).isEmpty();
        later(Duration.ofSeconds(1));
        sweep();

        assertThat(operations()).containsExactly("process_chunk1");
        work.drain();
        assertThat(published()).isEqualTo(2);
        assertThat(isOpen("one")).isFalse();
        assertThat(Schemas.problemsOfOurs(
                        "swept",
                        new String(
                                store.read(BatchKeys.swept("one")).orElseThrow().bytes(), StandardCharsets.UTF_8)))
                .isEmpty();
    }

    @Test
    void a_final_merge_that_got_lost_is_sent_again() {
        delta("a");
        work.enqueue("one", Policy.PUBLISH, "a");
        work.done(work.sent.removeFirst());
        assertThat(operations()).containsExactly("final_merge");
        work.sent.clear();

        later(HOUR);
        sweep();

        assertThat(operations()).containsExactly("final_merge");
        work.drain();
        assertThat(published()).isEqualTo(1);
        assertThat(isOpen("one")).isFalse();
    }

    @Test
    void a_batch_that_was_published_and_whose_marker_stayed_is_closed() {
        delta("a");
        work.enqueue("one", Policy.PUBLISH, "a");
        work.drain();
        store.put(BatchKeys.open("words", "one"), new byte[0]);

        later(HOUR);
        sweep();
        work.drain();

        assertThat(isOpen("one")).isFalse();
        assertThat(work.live("words").seq()).isEqualTo(1);
    }

    @Test
    void a_batch_that_gives_signs_of_life_is_left_alone() {
        delta("a");
        delta("b");
        work.enqueue("one", Policy.PUBLISH, "a", "b");
        later(Duration.ofMinutes(40));
        work.done(work.sent.removeFirst());
        work.sent.clear();

        later(Duration.ofMinutes(59));
        sweep();
        assertThat(work.sent).isEmpty();
        assertThat(Swept.read(store, "one")).isEmpty();

        later(Duration.ofMinutes(1));
        sweep();
        assertThat(operations()).containsExactly("process_chunk1");
        assertThat(swept("one").quietSince()).isEqualTo(now.minus(HOUR).toEpochMilli());
    }

    @Test
    void what_waits_for_a_person_is_not_sent_again() {
        delta("a");
        store.put(key("b") + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        work.enqueue("held", Policy.HOLD, "a", "b");
        work.enqueue("excused", Policy.PUBLISH, "a", "b");
        while (!work.sent.isEmpty()) {
            var _ = work.deliver(work.sent.removeFirst());
        }
        assertThat(published()).isEqualTo(1);
        int letters = work.letters.size();

        for (int day = 0; day < 20; day++) {
            later(Duration.ofDays(1));
            sweep();
        }

        assertThat(work.sent).isEmpty();
        assertThat(work.letters).hasSize(letters);
        assertThat(isOpen("held")).isTrue();
        assertThat(isOpen("excused")).isTrue();
        assertThat(swept("held").messages()).isZero();
    }

    @Test
    void a_batch_that_stays_quiet_is_sent_again_less_and_less_often() {
        delta("a");
        work.enqueue("one", Policy.PUBLISH, "a");
        work.sent.clear();
        var waits = new ArrayList<Long>();
        Instant last = now;
        while (now.isBefore(MONDAY.plus(Duration.ofDays(5)))) {
            later(Duration.ofMinutes(5));
            sweep();
            if (!work.sent.isEmpty()) {
                assertThat(operations()).containsExactly("process_chunk0");
                work.sent.clear();
                waits.add(Duration.between(last, now).toHours());
                last = now;
            }
        }

        assertThat(waits).startsWith(1L, 1L, 2L, 4L, 8L, 16L, 24L, 24L).hasSizeLessThan(11);
        assertThat(swept("one").times()).isEqualTo(waits.size());
    }

    @Test
    void a_sign_of_life_ends_the_waiting() {
        delta("a");
        delta("b");
        work.enqueue("one", Policy.PUBLISH, "a", "b");
        work.sent.clear();
        for (int hour = 0; hour < 12; hour++) {
            later(HOUR);
            sweep();
        }
        assertThat(swept("one").times()).isGreaterThan(2);
        String chunk = Objects.requireNonNull(work.sent.peekFirst());
        work.sent.clear();
        work.done(chunk);

        later(HOUR);
        sweep();

        assertThat(operations()).containsExactly("process_chunk1");
        assertThat(swept("one").times()).isEqualTo(1);
    }

    @Test
    void of_two_sweepers_one_sends_however_they_meet() {
        delta("a");
        work.enqueue("one", Policy.PUBLISH, "a");
        work.sent.clear();
        later(HOUR);
        int calls = 0;
        for (int meet = 1; ; meet++) {
            var countdown = new int[] {meet};
            store.onCall(_ -> {
                if (--countdown[0] == 0) {
                    store.onCall(_ -> {});
                    sweep();
                }
            });
            sweep();
            store.onCall(_ -> {});
            assertThat(work.sent).as("met at call %s", meet).hasSize(1);
            if (countdown[0] > 0) {
                break;
            }
            calls = meet;
            work.sent.clear();
            store.delete(List.of(BatchKeys.swept("one")));
        }
        assertThat(calls).isGreaterThan(5);
    }

    @Test
    void what_could_not_be_sent_makes_nobody_wait() {
        delta("a");
        work.enqueue("one", Policy.PUBLISH, "a");
        work.sent.clear();
        Sender broken = bodies -> {
            throw new FailureException(Blame.DEPENDENCY, "sqs-unavailable", "send " + bodies.size() + " messages");
        };
        later(HOUR);
        assertThatThrownBy(() -> sweeper(broken).sweep("words", () -> true)).isInstanceOf(FailureException.class);

        sweep();
        assertThat(operations()).containsExactly("process_chunk0");

        later(HOUR);
        assertThatThrownBy(() -> sweeper(broken).sweep("words", () -> true)).isInstanceOf(FailureException.class);
        assertThat(swept("one").times()).isEqualTo(1);
        sweep();
        assertThat(work.sent).hasSize(2);
    }

    /** A worker that is killed. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    @Test
    void a_sweeper_that_dies_at_any_call_only_makes_the_batch_wait() {
        delta("a");
        delta("b");
        int calls = 0;
        for (int crashAt = 1; ; crashAt++) {
            String batch = "batch-" + crashAt;
            work.enqueue(batch, Policy.PUBLISH, "a", "b");
            work.done(work.sent.removeFirst());
            work.sent.clear();
            later(HOUR);
            var countdown = new int[] {crashAt};
            Runnable step = () -> {
                if (--countdown[0] == 0) {
                    throw new Killed();
                }
            };
            store.onCall(_ -> step.run());
            boolean died = false;
            try {
                sweeper(bodies -> {
                            step.run();
                            work.sent.addAll(bodies);
                        })
                        .sweep("words", () -> true);
            } catch (Killed e) {
                died = true;
            }
            store.onCall(_ -> {});
            work.sent.clear(); // the worst case: what it had sent is lost too
            later(HOUR);
            sweep();
            work.drain();

            assertThat(isOpen(batch)).as("died at call %s", crashAt).isFalse();
            assertThat(work.published(batch).inside())
                    .as("died at call %s", crashAt)
                    .hasSize(2);
            if (!died) {
                break;
            }
            calls = crashAt;
        }
        assertThat(calls).isGreaterThan(8);
    }

    @Test
    void a_marker_without_a_plan_goes_after_a_day_and_does_not_hold_up_others() {
        store.put(BatchKeys.open("words", "nobody"), new byte[0]);
        store.put(BatchKeys.open("words", "broken"), new byte[0]);
        store.put(BatchKeys.plan("broken"), "{".getBytes(StandardCharsets.UTF_8));
        delta("a");
        work.enqueue("one", Policy.PUBLISH, "a");
        work.sent.clear();

        later(Duration.ofHours(23));
        sweep();
        assertThat(operations()).containsExactly("process_chunk0");
        assertThat(isOpen("nobody")).isTrue();
        later(Duration.ofHours(2));
        sweep();

        assertThat(isOpen("nobody")).isFalse();
        assertThat(isOpen("broken")).as("a person has to look at it").isTrue();
    }

    @Test
    void a_batch_that_is_too_old_for_the_snapshot_is_closed_and_not_processed() {
        delta("a");
        delta("b");
        work.enqueue("first", Policy.PUBLISH, "a");
        work.drain();
        later(Duration.ofDays(1));
        Instant opened = now;
        work.enqueue("forgotten", Policy.HOLD, "b");
        work.sent.clear();
        store.delete(List.of(BatchKeys.open("words", "forgotten")));
        later(Duration.ofDays(40));
        SmallDelta.writtenAt(now).upsert("c", 3).put(store, key("c"), scratch);
        work.enqueue("last", Policy.PUBLISH, "c");
        work.drain();
        Instant after = now;
        now = opened;
        store.put(BatchKeys.open("words", "forgotten"), new byte[0]);
        now = after;

        sweep();

        assertThat(operations()).containsExactly("final_merge");
        work.drain();
        assertThat(isOpen("forgotten")).isFalse();
        assertThat(published()).isEqualTo(2);
    }

    @Test
    void nothing_is_begun_once_it_is_to_stop() {
        delta("a");
        work.enqueue("one", Policy.PUBLISH, "a");
        work.sent.clear();
        later(HOUR);
        Predicate<MemoryObjectStore.Call> writes = call -> call.kind() != Kind.LIST;
        store.onCall(call -> assertThat(writes.test(call)).isFalse());

        sweeper().sweep("words", () -> false);

        assertThat(work.sent).isEmpty();
    }
}
