package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Next;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.producer.Chunking;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batches of six chunks in three groups: whatever becomes of the groups, the records are those of the chunks. */
class PlannedGroupTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final Chunking PAIRS = new Chunking(1, Long.MAX_VALUE, 2);
    private static final int CHUNKS = 6;
    private static final Set<Kind> WRITES = EnumSet.of(Kind.PUT, Kind.PUT_IF_ABSENT, Kind.PUT_IF_MATCH, Kind.DELETE);

    @TempDir
    Path scratch;

    private MemoryObjectStore store = new MemoryObjectStore("bucket");
    private Workplace work;
    private final List<SmallDelta> deltas = new ArrayList<>();

    @BeforeEach
    void workplace() {
        work = new Workplace(store, scratch);
    }

    private static String key(int number) {
        return "words/delta/d" + number + "/";
    }

    private void begin(Random random) {
        store = new MemoryObjectStore("bucket");
        work = new Workplace(store, scratch);
        deltas.clear();
        for (int i = 0; i < CHUNKS; i++) {
            deltas.add(SmallDelta.random(random, MONDAY.plusSeconds(i / 2)).put(store, key(i), scratch));
        }
    }

    private void enqueue(Policy policy) {
        var producer = new Producer(store, "words");
        List<LocatedDelta> located =
                IntStream.range(0, CHUNKS).mapToObj(i -> producer.named(key(i))).toList();
        Plan plan = producer.plan("b", located, PAIRS, policy, "words");
        assertThat(plan.groups()).containsExactly(List.of(0, 1), List.of(2, 3), List.of(4, 5));
        producer.send(plan, work.sent::addAll);
    }

    private void holdsAll() {
        holds(0, 1, 2, 3, 4, 5);
    }

    private void holds(int... chunks) {
        var expected = SmallDelta.digest(
                "words", IntStream.of(chunks).mapToObj(deltas::get).toList());
        assertThat(work.digest("words")).isEqualTo(expected);
        assertThat(work.digestOfFiles("words")).isEqualTo(expected);
        assertThat(work.live("words").lineage().chunks())
                .extracting(Lineage.Chunk::name)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.of(chunks).mapToObj(i -> ChunkName.of("b", i)).toList());
        assertThat(work.live("words").lineage().inputs()).hasSize(chunks.length);
    }

    private void chunks(int from, int to) {
        for (int i = from; i < to; i++) {
            work.done(StageMessages.processChunk("b", i, "words"));
        }
    }

    private static String group(int index) {
        return StageMessages.mergeGroup("b", index, "words");
    }

    private static String publish() {
        return StageMessages.finalMerge("b", "words");
    }

    /** The intermediates that this reads. */
    private Set<String> reads(Runnable job) {
        var read = new TreeSet<String>();
        store.onCall(call -> {
            if (call.kind() == Kind.READ && call.key().startsWith("intermediate/")) {
                read.add(call.key().replace("/chroma.sqlite3", "").replace("intermediate/", ""));
            }
        });
        job.run();
        store.onCall(call -> {});
        return read;
    }

    @Test
    void each_stage_sends_the_next_and_the_publisher_reads_groups_instead_of_chunks() {
        begin(new Random(1));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 1);
        assertThat(work.sent).isEmpty();
        chunks(1, 2);
        assertThat(work.sent).containsExactly(group(0));
        chunks(2, 6);
        assertThat(work.sent).containsExactly(group(0), group(1), group(2));
        work.sent.clear();
        work.done(group(2));
        work.done(group(0));
        assertThat(work.sent).isEmpty();
        work.done(group(1));
        assertThat(work.sent).containsExactly(publish());

        assertThat(reads(work::drain)).containsExactly("b-group-0/merged", "b-group-1/merged", "b-group-2/merged");
        holdsAll();
        assertThat(work.group("b", 1).covers()).containsExactly(ChunkName.of("b", 2), ChunkName.of("b", 3));
        assertThat(work.published("b").inside()).hasSize(CHUNKS);
        assertThat(store.list("words/open/")).isEmpty();
    }

    /** Delivers in any order, some again and again, also what was acknowledged long ago. */
    private void deliverAnyhow(Random random) {
        var waiting = new ArrayList<String>();
        var all = new ArrayList<String>();
        while (true) {
            waiting.addAll(work.sent);
            all.addAll(work.sent);
            work.sent.clear();
            if (waiting.isEmpty()) {
                break;
            }
            if (random.nextInt(5) == 0) {
                // Of any stage, also long before its time.
                work.done(List.of(group(random.nextInt(3)), publish(), all.get(random.nextInt(all.size())))
                        .get(random.nextInt(3)));
            }
            int next = random.nextInt(waiting.size());
            work.done(random.nextInt(5) == 0 ? waiting.get(next) : waiting.remove(next));
        }
        Collections.shuffle(all, random);
        all.stream().limit(4).forEach(work::done);
        work.drain();
    }

    @Test
    void in_any_order_with_duplicates_the_records_are_the_same() {
        for (int seed = 0; seed < 8; seed++) {
            var random = new Random(seed);
            begin(random);
            enqueue(seed % 3 == 0 ? Policy.HOLD : Policy.PUBLISH);
            deliverAnyhow(random);
            holdsAll();
            assertThat(store.list("words/open/")).as("seed %s", seed).isEmpty();
            assertThat(work.letters).isEmpty();
        }
    }

    /** A worker that is killed. No job may catch it. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    /** Between two writes all crashes are alike: nothing has changed that another worker could see. */
    @Test
    void a_crash_before_any_write_or_message_from_the_last_chunk_on_loses_nothing() {
        begin(new Random(7));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 5);
        work.drain();
        var begun = store;
        for (int crashAt = 1; ; crashAt++) {
            store = new MemoryObjectStore("bucket");
            begun.list("")
                    .forEach(info -> store.put(
                            info.key(), begun.read(info.key()).orElseThrow().bytes()));
            work = new Workplace(store, scratch);
            work.sent.add(StageMessages.processChunk("b", 5, "words"));
            var countdown = new int[] {crashAt};
            Runnable step = () -> {
                if (--countdown[0] == 0) {
                    throw new Killed();
                }
            };
            store.onCall(call -> {
                if (WRITES.contains(call.kind())) {
                    step.run();
                }
            });
            work.beforeSending = step;
            boolean crashed = false;
            while (!work.sent.isEmpty()) {
                String body = Objects.requireNonNull(work.sent.peekFirst());
                try {
                    work.done(body);
                    work.sent.remove(body);
                } catch (Killed e) {
                    crashed = true; // never acknowledged: delivered again
                }
            }
            store.onCall(call -> {});
            work.beforeSending = () -> {};
            assertThat(work.digest("words")).as("crash at %s", crashAt).isEqualTo(SmallDelta.digest("words", deltas));
            assertThat(work.live("words").lineage().inputs()).hasSize(CHUNKS);
            assertThat(work.events).as("crash at %s", crashAt).isNotEmpty();
            assertThat(store.list("words/open/")).as("crash at %s", crashAt).isEmpty();
            if (!crashed) {
                holdsAll();
                assertThat(crashAt).isGreaterThan(12);
                break;
            }
        }
    }

    @Test
    void a_group_message_ahead_of_its_chunks_waits_and_is_sent_again() {
        begin(new Random(2));
        enqueue(Policy.PUBLISH);
        work.done(group(1));
        assertThat(work.has(BatchKeys.groupReceipt("b", 1))).isFalse();
        work.drain();
        holdsAll();
        assertThat(work.group("b", 1).intermediate()).isNotNull();
    }

    @Test
    void a_chunk_that_fails_is_left_out_of_its_group_and_comes_in_beside_it_later() {
        begin(new Random(3));
        store.put(key(2) + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        store.put(key(4) + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        store.put(key(5) + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 2);
        work.refused(StageMessages.processChunk("b", 2, "words"));
        chunks(3, 4);
        work.refused(StageMessages.processChunk("b", 4, "words"));
        work.refused(StageMessages.processChunk("b", 5, "words"));
        work.drain();
        holds(0, 1, 3);
        assertThat(work.group("b", 1).status()).isEqualTo(Receipt.Status.DONE);
        assertThat(work.group("b", 1).intermediate())
                .as("one chunk would only be copied")
                .isNull();
        assertThat(work.group("b", 2).covers()).isEmpty();
        assertThat(work.live("words").lineage().excused())
                .extracting(Lineage.Excuse::chunk)
                .containsExactlyInAnyOrder(ChunkName.of("b", 2), ChunkName.of("b", 4), ChunkName.of("b", 5));

        for (int late : new int[] {5, 2, 4}) {
            deltas.get(late).put(store, key(late), scratch);
            work.done(StageMessages.processChunk("b", late, "words"));
            assertThat(work.sent).containsExactly(publish());
            work.drain();
        }
        holdsAll();
        assertThat(store.list("words/open/")).isEmpty();
    }

    @Test
    void a_batch_on_hold_merges_what_is_there_and_publishes_when_the_last_chunk_is_in() {
        begin(new Random(4));
        store.put(key(1) + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        enqueue(Policy.HOLD);
        work.sent.removeIf(body -> body.contains("\"chunk_index\":1,"));
        work.refused(StageMessages.processChunk("b", 1, "words"));
        work.drain();
        assertThat(store.list("words/snapshot/")).isEmpty();
        assertThat(work.group("b", 2).intermediate()).isNotNull();

        deltas.get(1).put(store, key(1), scratch);
        work.done(StageMessages.processChunk("b", 1, "words"));
        assertThat(reads(work::drain))
                .containsExactly("b-group-1/merged", "b-group-2/merged", "b/chunk-0", "b/chunk-1");
        holdsAll();
    }

    @Test
    void one_misfit_in_a_group_is_refused_by_name_and_stops_nobody_else() {
        begin(new Random(5));
        Misfits.put(store, "1.5.9", "churn", key(3), scratch);
        enqueue(Policy.PUBLISH);
        work.drain();

        holds(0, 1, 2, 4, 5);
        assertThat(work.group("b", 1).status()).isEqualTo(Receipt.Status.FAILED);
        assertThat(work.letters).singleElement().satisfies(letter -> {
            assertThat(letter.body()).contains("process_chunk", "\"chunk_index\":3");
            assertThat(letter.failure().message()).contains("b/3");
        });
    }

    @Test
    void an_output_that_is_gone_or_altered_is_replaced_by_its_chunks() {
        begin(new Random(6));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 6);
        List.of(group(0), group(1), group(2)).forEach(work::done);
        work.sent.clear();
        store.delete(List.of(BatchKeys.databaseFile(BatchKeys.group("b", 0))));
        store.put(BatchKeys.databaseFile(BatchKeys.group("b", 2)), "other bytes".getBytes(StandardCharsets.UTF_8));
        work.done(publish());

        holdsAll();
        assertThat(work.live("words").seq()).isEqualTo(1);
        assertThat(work.sent).as("no chunk is made again for it").isEmpty();
    }

    @Test
    void a_group_that_kills_its_workers_is_given_up_and_the_final_merge_does_without() {
        begin(new Random(8));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 6);
        work.done(group(0));
        work.done(group(2));
        work.sent.clear();
        work.jobs.givenUp(
                new Delivery("m", group(1), Map.of(), 3, 3), new Failure(Blame.INPUT, "worker-died", "three times"));
        assertThat(work.sent).containsExactly(publish());
        work.drain();
        holdsAll();

        // Its letter, replayed: there is nothing left to merge.
        work.done(group(1));
        work.drain();
        assertThat(work.group("b", 1).intermediate()).isNull();
        assertThat(work.live("words").seq()).isEqualTo(1);
    }

    @Test
    void a_chunk_whose_intermediate_is_gone_is_made_again_and_its_group_does_without() {
        begin(new Random(9));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 6);
        store.delete(List.of(BatchKeys.databaseFile(BatchKeys.chunk("b", 2))));
        List.of(group(0), group(1), group(2)).forEach(work::done);
        assertThat(work.group("b", 1).covers()).isEmpty();
        work.sent.clear();
        assertThat(work.postponed(publish()).reason()).isEqualTo("object-replaced");
        assertThat(work.sent).containsExactly(StageMessages.processChunk("b", 2, "words"));
        work.drain();
        holdsAll();
    }

    @Test
    void an_output_that_a_dead_worker_made_of_other_chunks_is_left_alone() {
        begin(new Random(13));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 6);
        byte[] other = store.read(BatchKeys.databaseFile(BatchKeys.chunk("b", 4)))
                .orElseThrow()
                .bytes();
        store.put(BatchKeys.databaseFile(BatchKeys.group("b", 2)), other);
        work.drain();

        assertThat(work.group("b", 2).status()).isEqualTo(Receipt.Status.FAILED);
        assertThat(work.letters).isEmpty();
        holdsAll();
    }

    @Test
    void a_slow_duplicate_that_knows_more_chunks_changes_nothing() {
        begin(new Random(10));
        store.put(key(5) + "chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 5);
        work.refused(StageMessages.processChunk("b", 5, "words"));
        List.of(group(0), group(1)).forEach(work::done);
        // The first delivery of group 2 waits before its receipt; meanwhile the chunk comes, and a duplicate merges
        // both.
        var first = new FanIn(store);
        assertThat(first.look("b").orElseThrow().next()).containsExactly(new Next.Group(2));
        store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_ABSENT && call.key().equals(BatchKeys.groupReceipt("b", 2))) {
                store.onCall(ignored -> {});
                var other = new Workplace(store, scratch.resolve("other"));
                deltas.get(5).put(store, key(5), scratch);
                other.done(StageMessages.processChunk("b", 5, "words"));
                other.done(group(2));
                work.sent.addAll(other.sent);
            }
        });
        work.done(group(2));
        assertThat(work.group("b", 2).covers()).containsExactly(ChunkName.of("b", 4), ChunkName.of("b", 5));
        work.drain();
        holdsAll();
    }

    @Test
    void what_no_plan_speaks_of_is_refused_by_name() {
        begin(new Random(11));
        enqueue(Policy.PUBLISH);
        assertThat(work.refused(group(3)).reason()).isEqualTo("group-not-found");
        assertThat(work.refused(StageMessages.mergeGroup("c", 0, "words")).reason())
                .isEqualTo("nothing-to-merge");
        assertThat(work.refused(StageMessages.mergeGroup("b", 0, "other")).reason())
                .isEqualTo("batch-id-reused");
    }

    @Test
    void another_publisher_leaves_a_batch_alone_while_its_groups_are_merged() {
        begin(new Random(12));
        enqueue(Policy.PUBLISH);
        work.sent.clear();
        chunks(0, 6);
        var producer = new Producer(store, "words");
        SmallDelta.writtenAt(MONDAY.plusSeconds(9)).upsert("z", 1).put(store, "words/delta/z/", scratch);
        var other = producer.plan(
                "c", List.of(producer.named("words/delta/z/")), Chunking.DEFAULT, Policy.PUBLISH, "words");
        var merges = List.copyOf(work.sent);
        work.sent.clear();
        producer.send(other, work.sent::addAll);
        work.drain();
        assertThat(work.live("words").lineage().names()).containsExactly(ChunkName.of("c", 0));
        assertThat(store.list("words/open/")).hasSize(1);
        assertThat(work.events).hasSize(1);

        work.sent.addAll(merges);
        work.drain();
        assertThat(work.live("words").lineage().chunks()).hasSize(7);
        assertThat(store.list("words/open/")).isEmpty();
    }
}
