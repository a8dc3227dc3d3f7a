package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import dev.chromacompactor.store.ObjectStore;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever the order, the repetitions and the crashes: the records are those of each delta applied once, in order. */
class AnyOrderTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");

    @TempDir
    Path scratch;

    /** The deltas of one batch, in the order in which they were written, each put into the bucket. */
    private List<SmallDelta> deltas(MemoryObjectStore store, Random random, String batch, int count) {
        var deltas = new ArrayList<SmallDelta>();
        for (int i = 0; i < count; i++) {
            // Two of each second: ties fall back to the place in the list.
            deltas.add(SmallDelta.random(random, MONDAY.plusSeconds(i / 2)).put(store, key(batch, i), scratch));
        }
        return deltas;
    }

    private static String key(String batch, int number) {
        return "words/delta/" + batch + "-" + number + "/";
    }

    private static Plan plan(ObjectStore store, String batch, int count, int chunkSize, Policy policy) {
        var producer = new Producer(store, "words");
        var located = new ArrayList<LocatedDelta>();
        for (int i = 0; i < count; i++) {
            located.add(producer.named(key(batch, i)));
        }
        return producer.plan(batch, located, chunkSize, policy, "words");
    }

    private static void send(ObjectStore store, Plan plan, Workplace work) {
        new Producer(store, "words").send(plan, bodies -> work.sent.addAll(bodies));
    }

    /** Delivers in any order, some again and again, also what was acknowledged long ago. */
    private static void deliverAnyhow(Workplace work, Random random) {
        var waiting = new ArrayList<String>();
        var all = new ArrayList<String>();
        while (true) {
            waiting.addAll(work.sent);
            all.addAll(work.sent);
            work.sent.clear();
            if (waiting.isEmpty()) {
                break;
            }
            if (random.nextInt(4) == 0) {
                work.done(all.get(random.nextInt(all.size())));
            }
            int next = random.nextInt(waiting.size());
            String body = random.nextInt(4) == 0 ? waiting.get(next) : waiting.remove(next);
            work.done(body);
        }
        Collections.shuffle(all, random);
        all.stream().limit(4).forEach(work::done);
        work.drain();
    }

    @Test
    void two_batches_in_any_order_with_duplicates_give_the_same_records() {
        for (int seed = 0; seed < 36; seed++) {
            var random = new Random(seed);
            var store = new MemoryObjectStore("bucket");
            var work = new Workplace(store, scratch);
            var first = deltas(store, random, "a", 3);
            var second = deltas(store, random, "b", 3);
            send(store, plan(store, "a", 3, 1 + seed % 3, Policy.PUBLISH), work);
            if (seed % 2 == 0) {
                deliverAnyhow(work, random);
            }
            send(store, plan(store, "b", 3, 2, Policy.HOLD), work);
            deliverAnyhow(work, random);

            // Same times in both batches: in one second the place in the list decides, then the key.
            int chunkA = 1 + seed % 3;
            var order = new ArrayList<Ranked>();
            for (int i = 0; i < 3; i++) {
                order.add(new Ranked(first.get(i), i / chunkA, i % chunkA, key("a", i)));
                order.add(new Ranked(second.get(i), i / 2, i % 2, key("b", i)));
            }
            order.sort(null);
            var expected =
                    SmallDelta.digest("words", order.stream().map(Ranked::delta).toList());
            if (SmallDelta.held(order.stream().map(Ranked::delta).toList()).isEmpty()) {
                continue;
            }
            assertThat(work.digest("words")).as("seed %s", seed).isEqualTo(expected);
            assertThat(work.digestOfFiles("words")).as("seed %s", seed).isEqualTo(expected);
            assertThat(work.live("words").lineage().inputs()).hasSize(6);
            assertThat(store.list("words/open/")).isEmpty();
        }
    }

    private record Ranked(SmallDelta delta, int chunk, int place, String key) implements Comparable<Ranked> {
        @Override
        public int compareTo(Ranked other) {
            int byTime = delta.written.compareTo(other.delta.written);
            int byPosition = Long.compare(((long) chunk << 20) + place, ((long) other.chunk << 20) + other.place);
            return byTime != 0 ? byTime : byPosition != 0 ? byPosition : key.compareTo(other.key);
        }
    }

    /** A worker that is killed. No job may catch it. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    @Test
    void a_crash_between_any_two_calls_loses_nothing() {
        int calls = 0;
        for (int crashAt = 1; ; crashAt++) {
            var random = new Random(7);
            var store = new MemoryObjectStore("bucket");
            var work = new Workplace(store, scratch);
            var deltas = deltas(store, random, "a", 3);
            var late = SmallDelta.writtenAt(MONDAY).upsert("x", 1).put(store, key("a", 3), scratch);
            var plan = plan(store, "a", 4, 2, Policy.PUBLISH);
            send(store, plan, work);
            var countdown = new int[] {crashAt};
            Runnable step = () -> {
                if (--countdown[0] == 0) {
                    throw new Killed();
                }
            };
            store.onCall(call -> step.run());
            work.beforeSending = step;

            boolean crashed = false;
            while (!work.sent.isEmpty()) {
                String body = work.sent.peekFirst();
                try {
                    work.done(Objects.requireNonNull(body));
                    work.sent.remove(body);
                } catch (Killed e) {
                    crashed = true; // never acknowledged: delivered again
                }
            }

            store.onCall(call -> {});
            work.beforeSending = () -> {};
            // Of the same second as the first two, but in a later chunk.
            var expected = List.of(deltas.get(0), deltas.get(1), late, deltas.get(2));
            assertThat(work.digest("words")).as("crash at %s", crashAt).isEqualTo(SmallDelta.digest("words", expected));
            assertThat(work.live("words").lineage().inputs()).hasSize(4);
            assertThat(work.published("a").version())
                    .isEqualTo(work.live("words").version());
            assertThat(work.events).as("crash at %s", crashAt).isNotEmpty();
            assertThat(store.list("words/open/")).isEmpty();
            if (!crashed) {
                calls = crashAt;
                break;
            }
        }
        assertThat(calls).isGreaterThan(40);
    }

    @Test
    void a_crash_between_any_two_calls_loses_no_letter() {
        for (int crashAt = 1; ; crashAt++) {
            var store = new MemoryObjectStore("bucket");
            var work = new Workplace(store, scratch);
            var good = SmallDelta.writtenAt(MONDAY).upsert("x", 1).put(store, key("a", 0), scratch);
            Misfits.put(store, "1.5.9", "churn", key("a", 1), scratch);
            send(store, plan(store, "a", 2, 1, Policy.PUBLISH), work);
            var countdown = new int[] {crashAt};
            boolean crashed = false;
            while (!work.sent.isEmpty()) {
                String body = Objects.requireNonNull(work.sent.peekFirst());
                Runnable step = () -> {
                    if (body.contains("final_merge") && --countdown[0] == 0) {
                        throw new Killed();
                    }
                };
                store.onCall(call -> step.run());
                work.beforeSending = step;
                try {
                    work.done(body);
                    work.sent.remove(body);
                } catch (Killed e) {
                    crashed = true;
                }
            }
            store.onCall(call -> {});
            assertThat(work.digest("words")).isEqualTo(SmallDelta.digest("words", List.of(good)));
            assertThat(work.letters).as("crash at %s", crashAt).isNotEmpty();
            if (!crashed) {
                break;
            }
        }
    }

    @Test
    void an_unanswered_pointer_write_is_settled_by_looking() {
        for (Fault fault : List.of(Fault.ANSWER_LOST, Fault.CONFLICT, Fault.PRECONDITION_FAILED)) {
            var store = new MemoryObjectStore("bucket");
            var work = new Workplace(store, scratch);
            var deltas = deltas(store, new Random(3), "a", 2);
            send(store, plan(store, "a", 2, 1, Policy.PUBLISH), work);
            store.fail(Kind.PUT_IF_ABSENT, "words/snapshot/latest-pointer.txt", fault);
            work.drain();

            assertThat(work.digestOfFiles("words")).as("%s", fault).isEqualTo(SmallDelta.digest("words", deltas));
            assertThat(work.live("words").seq()).isEqualTo(1);
            assertThat(work.catalog("words").live()).isInstanceOf(Live.Ours.class);
        }
    }
}
