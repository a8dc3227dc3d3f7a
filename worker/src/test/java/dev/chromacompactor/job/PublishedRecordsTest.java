package dev.chromacompactor.job;

import static dev.chromacompactor.job.Workplace.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.SchemaLevel;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages through all jobs: what is published, what is refused by name, and what replays change. */
class PublishedRecordsTest extends TimedWork {
    private SmallDelta at(int minute) {
        return SmallDelta.writtenAt(MONDAY.plusSeconds(60L * minute));
    }

    /** A batch of one delta a chunk, sent and carried through; what is refused is left in {@code refusals}. */
    private void batch(String batch, Policy policy, String... names) {
        work.enqueue(batch, policy, names);
        carryOn();
    }

    private final List<Failure> refusals = new ArrayList<>();

    private void carryOn() {
        while (!work.sent.isEmpty()) {
            switch (work.deliver(work.sent.removeFirst())) {
                case Outcome.Done _ -> {}
                case Outcome.DeadLetter(Failure failure) -> refusals.add(failure);
                case Outcome other -> throw new AssertionError(other.toString());
            }
        }
    }

    private void holds(SmallDelta... inOrder) {
        var expected = SmallDelta.digest("words", List.of(inOrder));
        assertThat(work.digest("words")).isEqualTo(expected);
        assertThat(work.digestOfFiles("words")).isEqualTo(expected);
    }

    private void replay(String batch, int chunk) {
        work.sent.add(StageMessages.processChunk(batch, chunk, "words"));
        carryOn();
    }

    /** A delta whose database is no database. */
    private void broken(String name) {
        store.put(key(name) + "chroma.sqlite3", "not a database".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void a_second_batch_extends_the_first_and_keeps_ids_and_level() {
        var a = at(0).by("0.6.3")
                .upsert("x", 1, "k", 1, "old", 1)
                .upsert("y", 2)
                .put(store, key("a"), scratch);
        batch("one", Policy.PUBLISH, "a");
        var first = work.live("words");
        var b = at(1).upsert("x", 3, "k", 2).delete("y").upsert("z", 4).put(store, key("b"), scratch);
        batch("two", Policy.PUBLISH, "b");

        holds(a, b);
        var second = work.live("words");
        assertThat(second.seq()).isEqualTo(2);
        assertThat(second.base()).isEqualTo(first.version());
        assertThat(second.contents().level()).isEqualTo(first.contents().level());
        assertThat(second.contents().collections().getFirst().id())
                .isEqualTo(first.contents().collections().getFirst().id());
        assertThat(Objects.requireNonNull(second.contents().ledger()).balances())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_version_of_the_predecessor_is_extended(boolean archive) throws IOException {
        Path base = ChromaFixtures.unpack("0.6.3", "small_wal", work.directory());
        SchemaLevel level;
        CollectionInfo collection;
        try (ChromaDatabase opened = ChromaDatabase.open(base)) {
            level = opened.level();
            collection = opened.collections().getFirst();
        }
        String prefix = "words/snapshot/timestamped/20251117_101112_123456_0badcafe/";
        store.put(prefix + ".snapshot_hash", "{}".getBytes(StandardCharsets.UTF_8));
        if (archive) {
            store.put(prefix + "snapshot.tar.gz", tarball(base));
        } else {
            SmallDelta.upload(store, prefix, base);
        }
        store.put(
                "words/snapshot/latest-pointer.txt",
                "20251117_101112_123456_0badcafe".getBytes(StandardCharsets.UTF_8));
        // The first chunk does not fit to the base, the second does: the base decides, not who comes first.
        Misfits.put(store, "1.5.9", "churn", key("misfit"), scratch);
        at(0).upsert("new", 1, "k", 1).put(store, key("good"), scratch);
        batch("one", Policy.PUBLISH, "misfit", "good");

        var live = work.live("words");
        assertThat(live.seq()).isEqualTo(1);
        assertThat(live.base()).isEqualTo("20251117_101112_123456_0badcafe");
        assertThat(live.contents().records()).isEqualTo(61);
        assertThat(live.contents().collections().getFirst().id()).isEqualTo(collection.id());
        assertThat(live.contents().level()).isEqualTo(ReceiptOf.level(level));
        assertThat(live.lineage().excused()).singleElement().satisfies(excuse -> {
            assertThat(excuse.chunk()).isEqualTo(ChunkName.of("one", 0));
            assertThat(excuse.reason()).isEqualTo("dimension-mismatch");
        });
        assertThat(work.letters).hasSize(1);
        Path files = work.directory();
        work.catalog("words").download(live, files);
        ChromaDatabase.open(files).close();
    }

    private Path tarball(Path directory) throws IOException {
        Path file = Files.createTempFile(scratch, "snapshot", ".tar.gz");
        try (var tar = new TarArchiveOutputStream(new GzipCompressorOutputStream(Files.newOutputStream(file)));
                var all = Files.walk(directory)) {
            for (Path path : all.filter(Files::isRegularFile).toList()) {
                tar.putArchiveEntry(new TarArchiveEntry(path.toFile(), "./" + directory.relativize(path)));
                Files.copy(path, tar);
                tar.closeArchiveEntry();
            }
        }
        assertThat(Archives.isArchive(file.toString())).isTrue();
        return file;
    }

    @Test
    void a_failed_chunk_is_excused_by_name_and_a_late_replay_fills_the_gap_and_overwrites_nothing_newer() {
        var good = at(1).upsert("x", 1, "k", 1).put(store, key("good"), scratch);
        broken("bad");
        Instant firstSight = now;
        batch("one", Policy.PUBLISH, "good", "bad");

        assertThat(refusals)
                .singleElement()
                .satisfies(failure -> assertThat(failure.message()).contains(key("bad")));
        assertThat(work.chunk("one", 1).status()).isEqualTo(Receipt.Status.FAILED);
        holds(good);
        assertThat(work.live("words").lineage().excused())
                .singleElement()
                .satisfies(excuse -> assertThat(excuse.chunk()).isEqualTo(ChunkName.of("one", 1)));
        assertThat(work.published("one").excused()).hasSize(1);

        now = now.plusSeconds(3 * 86_400);
        // Written after the first sight of the broken one, and published before its repair.
        var newer = SmallDelta.writtenAt(now.minusSeconds(60))
                .upsert("y", 9, "k", 9)
                .delete("gone")
                .put(store, key("newer"), scratch);
        batch("two", Policy.PUBLISH, "newer");
        holds(good, newer);

        now = now.plusSeconds(4 * 86_400);
        // The repair is written later than all of these, but counts from when it was first seen.
        var repaired = SmallDelta.writtenAt(now.minusSeconds(1))
                .upsert("x", 2, "k", 2)
                .upsert("y", 3, "k", 3, "only", 3)
                .upsert("gone", 4)
                .put(store, key("bad"), scratch);
        refusals.clear();
        replay("one", 1);

        assertThat(refusals).isEmpty();
        holds(good, repaired, newer);
        assertThat(work.chunk("one", 1).inputs().getFirst().millis()).isEqualTo(firstSight.toEpochMilli());
        assertThat(work.live("words").lineage().excused()).isEmpty();
        assertThat(work.published("one").excused()).isEmpty();
        assertThat(store.list("words/open/")).isEmpty();
        assertThat(work.events).hasSize(3);
    }

    @Test
    void hold_publishes_nothing_until_all_is_there() {
        var good = at(0).upsert("x", 1).put(store, key("good"), scratch);
        broken("bad");
        batch("held", Policy.HOLD, "good", "bad");
        assertThat(work.catalog("words").live()).isEqualTo(new Live.None());
        assertThat(work.events).isEmpty();

        // Another batch of the database is published meanwhile, and says nothing about the one on hold.
        var other = at(2).upsert("z", 5).put(store, key("other"), scratch);
        batch("other", Policy.PUBLISH, "other");
        holds(other);
        assertThat(work.events).hasSize(1);
        assertThat(work.has("batches/held/published.json")).isFalse();

        var repaired = at(1).upsert("y", 2).put(store, key("bad"), scratch);
        replay("held", 1);
        holds(good, repaired, other);
        assertThat(work.live("words").lineage().excused()).isEmpty();
        assertThat(work.events).hasSize(2);
    }

    @Test
    void a_chunk_that_does_not_fit_is_refused_by_name_and_gets_one_letter_and_the_others_are_published() {
        Misfits.put(store, "0.6.3", "all_types", key("base"), scratch);
        batch("base", Policy.PUBLISH, "base");
        Misfits.put(store, "1.5.9", "all_types", key("lists"), scratch);
        Misfits.put(store, "1.5.9", "churn", key("dimension"), scratch);
        Misfits.put(store, "0.6.3", "all_types", key("again"), scratch);
        batch("two", Policy.PUBLISH, "lists", "dimension", "again");

        var live = work.live("words");
        assertThat(live.seq()).isEqualTo(2);
        assertThat(live.lineage().names()).contains(ChunkName.of("two", 2));
        assertThat(live.lineage().excused())
                .extracting(excuse -> excuse.chunk().text() + " " + excuse.reason())
                .containsExactlyInAnyOrder("two/0 schema-level-too-low", "two/1 dimension-mismatch");
        assertThat(work.letters)
                .extracting(letter -> letter.failure().reason())
                .containsExactlyInAnyOrder("schema-level-too-low", "dimension-mismatch");
        assertThat(work.published("two").excused()).hasSize(2);

        // Looking again is no news: no version, no letter, no event.
        int events = work.events.size();
        work.done(StageMessages.finalMerge("two", "words"));
        assertThat(work.live("words").version()).isEqualTo(live.version());
        assertThat(work.letters).hasSize(2);
        assertThat(work.events).hasSize(events);
    }

    @Test
    void another_space_is_refused_by_name() {
        Misfits.put(store, "1.5.9", "churn", key("base"), scratch);
        batch("base", Policy.PUBLISH, "base");
        Misfits.put(store, "1.5.9", "churn_cosine", key("cosine"), scratch);
        batch("two", Policy.PUBLISH, "cosine");

        assertThat(work.live("words").seq()).isEqualTo(1);
        assertThat(work.letters).singleElement().satisfies(letter -> {
            assertThat(letter.failure().reason()).isEqualTo("space-mismatch");
            assertThat(letter.failure().message()).contains("two/0", "cosine");
        });
        assertThat(work.published("two").version()).isNull();
        assertThat(work.published("two").excused()).hasSize(1);
    }

    @Test
    void an_intermediate_that_vanished_is_made_again() {
        var a = at(0).upsert("x", 1).put(store, key("a"), scratch);
        work.enqueue("one", Policy.PUBLISH, "a");
        work.done(work.sent.removeFirst());
        store.delete(List.of("intermediate/one/chunk-0/chroma.sqlite3"));

        assertThat(work.postponed(work.sent.removeFirst()).blame()).isEqualTo(Blame.DOUBTFUL);
        carryOn();
        assertThat(refusals).isEmpty();
        holds(a);
    }

    @Test
    void an_intermediate_that_vanished_is_made_again_without_a_plan_too() {
        var a = at(0).in("receipt_words").upsert("x", 1).put(store, key("a"), scratch);
        work.done(StageMessages.processChunk(
                "one", 0, "words", List.of(new DeltaRef(null, key("a"), "words", null, null))));
        String merge = "{\"operation\":\"final_merge\",\"batch_id\":\"one\",\"database\":\"words\",\"total_chunks\":1}";
        store.delete(List.of("intermediate/one/chunk-0/chroma.sqlite3"));

        assertThat(work.postponed(merge).blame()).isEqualTo(Blame.DOUBTFUL);
        carryOn();
        assertThat(refusals).isEmpty();
        holds(a);
    }

    @Test
    void groups_give_what_chunks_give() {
        var deltas = List.of(
                at(3).upsert("x", 1, "k", 1).put(store, key("a"), scratch),
                at(1).upsert("x", 2, "k", 2, "l", 2).delete("y").put(store, key("b"), scratch),
                at(2).upsert("y", 3).put(store, key("c"), scratch),
                at(0).upsert("y", 4, "m", 4).upsert("z", 4).put(store, key("d"), scratch));
        for (int i = 0; i < 4; i++) {
            String name = "abcd".substring(i, i + 1);
            work.done(StageMessages.processChunk(
                    "run", i, "words", List.of(new DeltaRef(null, key(name), "words", null, null))));
        }
        for (int g = 0; g < 2; g++) {
            String body = ("{\"operation\":\"merge_chunk_group\",\"batch_id\":\"run-group-%d\",\"group_index\":%d,"
                            + "\"chunk_group\":[\"intermediate/run/chunk-%d/\",\"intermediate/run/chunk-%d/\"]}")
                    .formatted(g, g, 2 * g, 2 * g + 1);
            work.done(body);
            work.done(body);
        }
        work.done("{\"operation\":\"final_merge\",\"batch_id\":\"run\",\"database\":\"words\",\"chunk_results\":["
                + "\"intermediate/run-group-1-group-1/merged/\",\"intermediate/run-group-0-group-0/merged/\"]}");

        holds(deltas.get(3), deltas.get(1), deltas.get(2), deltas.get(0));
        assertThat(work.live("words").lineage().inputs()).hasSize(4);
        // The same chunks, published once more under their own names, are inside already.
        work.done("{\"operation\":\"final_merge\",\"batch_id\":\"run\",\"database\":\"words\",\"chunk_results\":["
                + "\"intermediate/run-group-1-group-1/merged/\",\"intermediate/run-group-0-group-0/merged/\"]}");
        assertThat(work.live("words").seq()).isEqualTo(1);
    }

    @Test
    void a_batch_id_for_other_work_is_refused_and_changes_nothing() {
        at(0).upsert("x", 1).put(store, key("a"), scratch);
        at(1).upsert("y", 2).put(store, key("b"), scratch);
        work.done(StageMessages.processChunk("one", 0, "words", List.of(ref("a"))));
        Receipt before = work.chunk("one", 0);

        assertThat(work.refused(StageMessages.processChunk("one", 0, "words", List.of(ref("b"))))
                        .reason())
                .isEqualTo("batch-id-reused");
        assertThat(work.refused(StageMessages.processChunk("one", 0, "lines", List.of(ref("a"))))
                        .reason())
                .isEqualTo("batch-id-reused");
        assertThat(work.chunk("one", 0)).isEqualTo(before);
        work.done("{\"operation\":\"final_merge\",\"batch_id\":\"one\",\"database\":\"words\",\"total_chunks\":1}");
        assertThat(work.refused(
                                "{\"operation\":\"final_merge\",\"batch_id\":\"one\",\"database\":\"lines\",\"total_chunks\":1}")
                        .reason())
                .isEqualTo("batch-id-reused");
    }

    private static DeltaRef ref(String name) {
        return new DeltaRef(null, key(name), "words", null, null);
    }

    @Test
    void missing_inputs_are_refused_by_name_and_the_batch_knows() {
        assertThat(work.refused(StageMessages.processChunk("one", 0, "words", List.of(ref("nowhere")))))
                .satisfies(failure -> {
                    assertThat(failure.reason()).isEqualTo("delta-missing");
                    assertThat(failure.message()).contains(key("nowhere"));
                });
        assertThat(work.chunk("one", 0).failure()).isNotNull();
        assertThat(
                        work.refused(
                                "{\"operation\":\"final_merge\",\"batch_id\":\"two\",\"database\":\"words\",\"chunk_results\":[\"intermediate/two/chunk-5/\"]}"))
                .satisfies(failure -> {
                    assertThat(failure.reason()).isEqualTo("intermediate-missing");
                    assertThat(failure.message()).contains("intermediate/two/chunk-5/");
                });
        assertThat(work.postponed(
                                "{\"operation\":\"final_merge\",\"batch_id\":\"three\",\"database\":\"words\",\"total_chunks\":2}")
                        .reason())
                .isEqualTo("incomplete");
        assertThat(work.catalog("words").live()).isEqualTo(new Live.None());
    }

    @Test
    void a_delta_that_is_replaced_while_it_is_read_is_doubtful() {
        at(0).upsert("x", 1).put(store, key("a"), scratch);
        var once = new AtomicInteger();
        store.onCall(call -> {
            if (call.kind() == Kind.READ && call.key().startsWith(key("a")) && once.incrementAndGet() == 1) {
                store.onCall(next -> {});
                at(1).upsert("x", 2).put(store, key("a"), scratch);
            }
        });
        Failure failure = work.postponed(StageMessages.processChunk("one", 0, "words", List.of(ref("a"))));

        assertThat(failure.blame()).isEqualTo(Blame.DOUBTFUL);
        assertThat(failure.reason()).isEqualTo("object-replaced");
        assertThat(failure.message()).contains(key("a"));
        assertThat(store.list("intermediate/")).isEmpty();
        assertThat(store.list("batches/")).isEmpty();
        // A fresh look reads what is there now.
        work.done(StageMessages.processChunk("one", 0, "words", List.of(ref("a"))));
    }

    @Test
    void what_S3_announces_waits_for_its_segments_and_is_refused_when_they_do_not_come() throws IOException {
        Path whole = ChromaFixtures.unpack("1.5.9", "persisted", work.directory());
        store.put(key("arriving") + "chroma.sqlite3", whole.resolve("chroma.sqlite3"));
        String body = "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"bucket\"},"
                + "\"object\":{\"key\":\"words/delta/arriving/chroma.sqlite3\"}}}]}";
        assertThat(work.postponed(body).reason()).isEqualTo("delta-still-arriving");
        assertThat(store.list("intermediate/")).isEmpty();

        SmallDelta.upload(store, key("arriving"), whole);
        work.done(body);
        carryOn();
        assertThat(work.live("words").contents().records()).isEqualTo(1250);
        assertThat(store.list("words/open/")).isEmpty();
    }

    @Test
    void segments_that_never_come_are_the_fault_of_the_delta_after_a_quarter_of_an_hour() throws IOException {
        Path whole = ChromaFixtures.unpack("1.5.9", "persisted", work.directory());
        store.put(key("torn") + "chroma.sqlite3", whole.resolve("chroma.sqlite3"));
        String body = "{\"delta_key\":\"words/delta/torn\",\"collection\":\"words\",\"database\":\"words\"}";
        assertThat(work.postponed(body).reason()).isEqualTo("delta-still-arriving");
        now = now.plusSeconds(16 * 60);

        assertThat(work.refused(body).message()).contains(key("torn"));
        work.sent.clear();
        assertThat(work.catalog("words").live()).isEqualTo(new Live.None());
    }

    @Test
    void a_store_that_is_busy_for_a_moment_costs_a_retry_and_not_the_job() {
        var a = at(0).upsert("x", 1).put(store, key("a"), scratch);
        var b = at(1).upsert("y", 2).put(store, key("b"), scratch);
        batch("one", Policy.PUBLISH, "a");
        String base = "words/snapshot/timestamped/" + work.live("words").version() + "/chroma.sqlite3";
        var faults = List.of(key("b") + "chroma.sqlite3", "intermediate/two/chunk-0/chroma.sqlite3", base);
        for (String key : faults) {
            store.fail(Kind.READ, key, Fault.SLOW_DOWN);
        }
        var newVersion = new AtomicInteger();
        store.fail(
                call -> call.kind() == Kind.READ
                        && call.key().startsWith("words/snapshot/timestamped/")
                        && !call.key().startsWith(base.substring(0, base.lastIndexOf('/')))
                        && newVersion.incrementAndGet() == 1,
                Fault.SLOW_DOWN);
        batch("two", Policy.PUBLISH, "b");

        assertThat(newVersion.get()).as("the read-back was disturbed").isEqualTo(1);
        holds(a, b);
        // The disturbed upload lies there unfinished; its id was not used again.
        assertThat(store.folders("words/snapshot/timestamped/")).hasSize(3);
    }

    @Test
    void a_store_that_stays_busy_is_not_the_fault_of_the_input() {
        at(0).upsert("x", 1).put(store, key("a"), scratch);
        var calls = new AtomicInteger();
        store.onCall(call -> {
            if (call.kind() == Kind.READ && call.key().startsWith(key("a"))) {
                calls.incrementAndGet();
                throw new FailureException(Blame.DEPENDENCY, "s3-throttled", call.key() + ": 503 SlowDown");
            }
        });
        Failure failure = work.postponed(StageMessages.processChunk("one", 0, "words", List.of(ref("a"))));

        assertThat(failure.blame()).isEqualTo(Blame.DEPENDENCY);
        assertThat(calls).hasValue(3);
        assertThat(store.list("batches/")).isEmpty();
        store.onCall(call -> {});
        work.done(StageMessages.processChunk("one", 0, "words", List.of(ref("a"))));
    }

    @Test
    void a_message_that_is_given_up_leaves_a_receipt_so_that_its_batch_goes_on() {
        at(0).upsert("x", 1).put(store, key("a"), scratch);
        at(1).upsert("y", 1).put(store, key("b"), scratch);
        work.enqueue("one", Policy.PUBLISH, "a", "b");
        String first = work.sent.removeFirst();
        work.jobs.givenUp(
                new Delivery("m", first, Map.of(), 9, 5),
                new Failure(Blame.DOUBTFUL, "object-replaced", "again and again"));
        carryOn();

        assertThat(work.live("words").lineage().excused())
                .singleElement()
                .satisfies(excuse -> assertThat(excuse.reason()).isEqualTo("object-replaced"));
        // A file that names the deltas is gone: even then the batch learns of it.
        work.jobs.givenUp(
                new Delivery(
                        "m",
                        "{\"operation\":\"process_chunk\",\"batch_id\":\"two\",\"chunk_index\":0,\"database\":\"words\",\"chunks_s3_key\":\"gone.json\"}",
                        Map.of(),
                        9,
                        5),
                new Failure(Blame.DOUBTFUL, "object-replaced", "again and again"));
        assertThat(work.chunk("two", 0).status()).isEqualTo(Receipt.Status.FAILED);
    }
}
