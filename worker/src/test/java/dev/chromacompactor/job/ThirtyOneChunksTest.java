package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Ledger;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.ObjectStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Something happens to any one of 31 chunks: each of them in turn, under both policies. Never is it lost in silence, and
 * never does a publish hold more or less than its manifest says.
 */
class ThirtyOneChunksTest {
    private static final int CHUNKS = 31;
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final byte[] GARBAGE = "neither a database nor anything else".getBytes(StandardCharsets.UTF_8);

    @TempDir
    static Path scratch;

    private static final List<SmallDelta> DELTAS = new ArrayList<>();
    /** All chunks folded, nothing published: what each test begins with. */
    private static final Map<Policy, MemoryObjectStore> FOLDED = new EnumMap<>(Policy.class);

    @BeforeAll
    static void fold_all_chunks() {
        var uploaded = new MemoryObjectStore("bucket");
        for (int i = 0; i < CHUNKS; i++) {
            // A record of its own, and one that all of them write to.
            DELTAS.add(SmallDelta.writtenAt(MONDAY.plusSeconds(i))
                    .upsert("id" + i, i, "k", i)
                    .upsert("all", 100 + i, "k" + i % 5, i)
                    .delete("nobody")
                    .put(uploaded, key(i), scratch));
        }
        for (Policy policy : Policy.values()) {
            var store = uploaded.copy();
            var work = new Workplace(store, scratch);
            var producer = new Producer(store, "words");
            var located = new ArrayList<LocatedDelta>();
            for (int i = 0; i < CHUNKS; i++) {
                located.add(producer.named(key(i)));
            }
            producer.send(producer.plan("b", located, 1, policy, "words"), work.sent::addAll);
            for (int i = 0; i < CHUNKS; i++) {
                work.done(work.sent.removeFirst());
            }
            assertThat(work.sent).containsExactly(StageMessages.finalMerge("b", "words"));
            FOLDED.put(policy, store);
        }
    }

    private static String key(int chunk) {
        return "words/delta/%02d/".formatted(chunk);
    }

    private static Workplace folded(Policy policy) {
        return new Workplace(Objects.requireNonNull(FOLDED.get(policy)).copy(), scratch);
    }

    /** As if the chunk had not been processed yet. */
    private static Workplace without(int chunk, Policy policy) {
        var work = folded(policy);
        work.store.delete(List.of(BatchKeys.chunkReceipt("b", chunk), intermediate(chunk)));
        return work;
    }

    private static String intermediate(int chunk) {
        return BatchKeys.databaseFile(BatchKeys.chunk("b", chunk));
    }

    private static void merge(Workplace work) {
        work.done(StageMessages.finalMerge("b", "words"));
    }

    /** Processes a chunk that cannot be processed. */
    private static Failure fail(Workplace work, int chunk) {
        Failure failure = work.refused(StageMessages.processChunk("b", chunk, "words"));
        work.drain();
        return failure;
    }

    private static void nothingIsPublished(Workplace work, int chunk) {
        assertThat(work.catalog("words").live()).as("without chunk %s", chunk).isEqualTo(new Live.None());
        assertThat(work.events).isEmpty();
        assertThat(work.has("words/open/b")).as("the batch stays open").isTrue();
    }

    private static void allIsPublished(Workplace work) {
        isPublished(work, DELTAS);
        assertThat(work.live("words").lineage().excused()).isEmpty();
        assertThat(work.live("words").lineage().chunks()).hasSize(CHUNKS);
        assertThat(work.has("words/open/b")).isFalse();
    }

    private static void allButOneIsPublished(Workplace work, int chunk, String reason) {
        var rest = new ArrayList<>(DELTAS);
        rest.remove(chunk);
        isPublished(work, rest);
        var lineage = work.live("words").lineage();
        assertThat(lineage.excused()).singleElement().satisfies(excuse -> {
            assertThat(excuse.chunk()).isEqualTo(ChunkName.of("b", chunk));
            assertThat(excuse.reason()).isEqualTo(reason);
        });
        assertThat(lineage.names()).hasSize(CHUNKS - 1).doesNotContain(ChunkName.of("b", chunk));
        assertThat(work.published("b").excused())
                .extracting(Lineage.Excuse::chunk)
                .containsExactly(ChunkName.of("b", chunk));
        assertThat(work.has("words/open/b")).as("the batch stays open").isTrue();
    }

    /** The records are those of these deltas, and so say the ledgers of each job and of the version. */
    private static void isPublished(Workplace work, List<SmallDelta> deltas) {
        Manifest live = work.live("words");
        assertThat(live.contents().recordDigest()).isEqualTo(SmallDelta.digest("words", deltas));
        assertThat(live.contents().records()).isEqualTo(deltas.size() + 1);
        assertThat(live.lineage().inputs()).hasSameSizeAs(deltas);
        Ledger version = Objects.requireNonNull(live.contents().ledger());
        long in = 0;
        for (var chunk : live.lineage().chunks()) {
            int index = Integer.parseInt(chunk.name().text().substring("b/".length()));
            Ledger job = Objects.requireNonNull(work.chunk("b", index).ledger());
            assertThat(job).isEqualTo(new Ledger(0, 3, 2, 0, 0, 0, 1, 0, 2));
            assertThat(job.balances()).isTrue();
            in += job.out() + job.deletesIdle();
        }
        assertThat(version.balances()).isTrue();
        assertThat(version.in()).as("what the chunks gave").isEqualTo(in);
        assertThat(version)
                .isEqualTo(new Ledger(
                        0,
                        3L * deltas.size(),
                        deltas.size() + 1L,
                        deltas.size() - 1L,
                        0,
                        0,
                        deltas.size(),
                        0,
                        deltas.size() + 1L));
    }

    @Test
    void a_message_that_never_came_holds_the_publish_up_and_is_named() {
        for (Policy policy : Policy.values()) {
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                var work = without(chunk, policy);
                merge(work);

                nothingIsPublished(work, chunk);
                assertThat(standing(work.store).missing())
                        .extracting(Standing.Item::name)
                        .containsExactly(ChunkName.of("b", chunk));
            }
        }
    }

    @Test
    void a_delta_that_is_gone_or_damaged_is_refused_by_name_under_hold() {
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            for (boolean damaged : List.of(false, true)) {
                var work = without(chunk, Policy.HOLD);
                Failure failure = damageDelta(work, chunk, damaged);

                assertThat(failure.blame()).isEqualTo(Blame.INPUT);
                assertThat(failure.message()).contains(key(chunk));
                nothingIsPublished(work, chunk);
                assertThat(standing(work.store).failed())
                        .extracting(Standing.Item::name)
                        .containsExactly(ChunkName.of("b", chunk));
            }
        }
    }

    @Test
    void a_delta_that_is_gone_or_damaged_is_excused_by_name_under_publish() {
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            var work = without(chunk, Policy.PUBLISH);
            Failure failure = damageDelta(work, chunk, chunk % 2 == 0);

            allButOneIsPublished(work, chunk, failure.reason());
        }
    }

    /** Removes or overwrites the delta of a chunk, and lets it be processed. */
    private static Failure damageDelta(Workplace work, int chunk, boolean damaged) {
        if (damaged) {
            work.store.put(key(chunk) + "chroma.sqlite3", GARBAGE);
        } else {
            work.store.delete(work.store.list(key(chunk)).stream()
                    .map(ObjectStore.ObjectInfo::key)
                    .toList());
        }
        return fail(work, chunk);
    }

    @Test
    void a_chunk_that_is_processed_and_published_twice_changes_nothing() {
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            var work = folded(chunk % 2 == 0 ? Policy.PUBLISH : Policy.HOLD);
            // A receipt that is lost is a worker that died before it wrote it: the intermediate is there already.
            work.store.delete(List.of(BatchKeys.chunkReceipt("b", chunk)));
            work.done(StageMessages.processChunk("b", chunk, "words"));
            work.done(StageMessages.processChunk("b", chunk, "words"));
            work.drain();

            allIsPublished(work);
            work.done(StageMessages.processChunk("b", chunk, "words"));
            work.drain();
            assertThat(work.live("words").seq()).isEqualTo(1);
        }
    }

    @Test
    void an_intermediate_that_is_gone_is_made_again() {
        for (int chunk = 0; chunk < CHUNKS; chunk += 5) {
            var work = folded(Policy.HOLD);
            work.store.delete(List.of(intermediate(chunk)));

            Failure failure = work.postponed(StageMessages.finalMerge("b", "words"));
            assertThat(failure.blame()).isEqualTo(Blame.DOUBTFUL);
            assertThat(failure.message()).contains(intermediate(chunk));
            nothingIsPublished(work, chunk);
            work.drain();
            allIsPublished(work);
        }
    }

    @Test
    void an_intermediate_with_other_bytes_is_noticed_and_named_and_made_again_once_it_is_out_of_the_way() {
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            var work = folded(Policy.PUBLISH);
            work.store.put(intermediate(chunk), GARBAGE);

            for (String body :
                    List.of(StageMessages.finalMerge("b", "words"), StageMessages.processChunk("b", chunk, "words"))) {
                Failure failure = work.postponed(body);
                assertThat(failure.blame()).isEqualTo(Blame.DOUBTFUL);
                assertThat(failure.message()).contains(intermediate(chunk));
            }
            nothingIsPublished(work, chunk);
            if (chunk % 10 == 0) {
                work.store.delete(List.of(intermediate(chunk)));
                work.done(StageMessages.processChunk("b", chunk, "words"));
                work.sent.add(StageMessages.finalMerge("b", "words"));
                work.drain();
                allIsPublished(work);
            }
        }
    }

    private static Standing standing(ObjectStore store) {
        return new FanIn(store).look("b").orElseThrow();
    }

    @Test
    void without_any_damage_all_of_them_are_in() {
        for (Policy policy : Policy.values()) {
            var work = folded(policy);
            merge(work);

            allIsPublished(work);
            assertThat(work.chunk("b", 0).status()).isEqualTo(Receipt.Status.DONE);
        }
    }
}
