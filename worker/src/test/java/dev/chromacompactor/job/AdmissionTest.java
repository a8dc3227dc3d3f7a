package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.compaction.Budget;
import dev.chromacompactor.compaction.Footprint;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.Interposed;
import dev.chromacompactor.store.MemoryObjectStore;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A job begins only where there is room for it, and says so before it has downloaded anything. */
@Timeout(120)
class AdmissionTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final long MIB = 1L << 20;

    @TempDir
    Path scratch;

    private final MemoryObjectStore memory = new MemoryObjectStore("bucket");
    private int downloads;

    private final Interposed store = new Interposed(memory) {
        @Override
        public ObjectInfo download(String key, @Nullable String etag, Path target) {
            downloads++;
            return super.download(key, etag, target);
        }
    };

    private Workplace with(Footprint total) {
        return new Workplace(store, scratch, Room.of(scratch.resolve("jobs"), total, Duration.ofMillis(20)));
    }

    private static Footprint room(long diskMib) {
        return new Footprint(diskMib * MIB, 1L << 40, 1L << 40);
    }

    private SmallDelta delta(String name, int minute) {
        return SmallDelta.writtenAt(MONDAY.plusSeconds(60L * minute))
                .upsert(name, minute)
                .put(memory, "words/delta/" + name + "/", scratch);
    }

    private static String chunk(String batch, String... names) {
        return StageMessages.processChunk(
                batch,
                0,
                "words",
                List.of(names).stream()
                        .map(name -> new DeltaRef(null, "words/delta/" + name + "/", null, null, null))
                        .toList());
    }

    @Test
    void a_chunk_that_this_worker_could_never_hold_is_a_dead_letter_with_the_bytes_and_nothing_is_downloaded() {
        var _ = delta("a", 1);
        var work = with(new Footprint(3 * MIB, 1L << 40, 1L << 40));

        Failure failure = work.refused(chunk("one", "a"));

        assertThat(failure.blame()).isEqualTo(Blame.INPUT);
        assertThat(failure.reason()).isEqualTo("too-large-for-worker");
        assertThat(failure.message())
                .contains(
                        "chunk [0] of one needs ",
                        "of disk, this worker has 3.0 MiB",
                        "COMPACTOR_SCRATCH_MIB",
                        "replay");
        assertThat(downloads).isZero();
        assertThat(work.chunk("one", 0).status()).isEqualTo(Receipt.Status.FAILED);

        with(room(100)).done(chunk("one", "a"));
        assertThat(work.chunk("one", 0).status()).isEqualTo(Receipt.Status.DONE);
    }

    @Test
    void so_are_a_group_and_a_publish() {
        var all = with(room(100));
        var _ = delta("a", 1);
        all.done(chunk("one", "a"));
        downloads = 0;
        var work = with(new Footprint(100 * MIB, 15 * MIB, 1L << 40));

        Failure group = work.refused("""
                {"operation":"merge_chunk_group","batch_id":"one-group-0","group_index":0,"database":"words",
                 "chunk_group":["intermediate/one/chunk-0/"]}""");
        Failure publish = work.refused("""
                {"operation":"final_merge","batch_id":"one","database":"words","total_chunks":1}""");

        assertThat(group.reason()).isEqualTo("too-large-for-worker");
        assertThat(group.message()).contains("group 0 of one-group-0", "Java heap, this worker has 15.0 MiB", "-Xmx");
        assertThat(publish.reason()).isEqualTo("too-large-for-worker");
        assertThat(publish.message()).contains("final merge of one");
        assertThat(downloads).isZero();
    }

    @Test
    void what_does_not_fit_now_waits_and_is_tried_later_without_an_attempt_spent() {
        var _ = delta("a", 1);
        Budget budget = Room.of(scratch.resolve("jobs"), room(50), Duration.ofMillis(20));
        var work = new Workplace(store, scratch, budget);
        try (Scratch other = budget.scratch("other", "another job")) {
            other.reserve(room(49));
            Outcome outcome = work.jobs.handle(new Delivery("m", chunk("one", "a"), Map.of(), 1, 0));

            assertThat(outcome).isInstanceOf(Outcome.PutOff.class);
            Failure failure = ((Outcome.PutOff) outcome).failure();
            assertThat(failure.blame()).as("no attempt of the input").isEqualTo(Blame.NODE);
            assertThat(failure.reason()).isEqualTo("no-room");
            assertThat(downloads).isZero();
            assertThat(memory.list("batches/")).isEmpty();
        }
        work.done(chunk("one", "a"));
    }

    @Test
    void batches_that_cannot_be_published_at_once_are_published_one_after_the_other() {
        var plenty = with(room(1000));
        for (int i = 0; i < 3; i++) {
            var _ = delta("d" + i, i);
            planned("b" + i, "d" + i);
            plenty.done(StageMessages.processChunk("b" + i, 0, "words"));
        }
        long size = memory.head("intermediate/b0/chunk-0/chroma.sqlite3")
                .orElseThrow()
                .size();
        // Of each three times its intermediate, twice the base if there is one, and 4 MiB: two at once, but not three.
        var work = with(new Footprint(4 * MIB + 89 * size / 10, 1L << 40, 1L << 40));

        work.done(StageMessages.finalMerge("b1", "words"));

        assertThat(work.live("words").seq()).isEqualTo(2);
        assertThat(work.live("words").lineage().chunks()).hasSize(3);
        assertThat(work.live("words").contents().records()).isEqualTo(3);
        assertThat(List.of("b0", "b1", "b2"))
                .allSatisfy(batch -> assertThat(work.published(batch).version()).isNotNull());
    }

    private void planned(String batch, String name) {
        var info = memory.head("words/delta/" + name + "/chroma.sqlite3").orElseThrow();
        var delta = new Plan.Delta(
                null,
                "words/delta/" + name + "/",
                info.etag(),
                info.lastModified().toEpochMilli(),
                null,
                null);
        var plan = Plan.enqueued(batch, "words", Policy.PUBLISH, List.of(List.of(delta)));
        var _ = new Plans(memory).createOrMeet(plan);
        new OpenBatches(memory, "words").open(batch);
    }

    /** An index that Chroma preallocated is almost all zeros: nobody sees from outside how much that is. */
    @Test
    void an_archive_that_holds_more_than_its_size_tells_asks_for_more_room_before_it_is_unpacked() throws Exception {
        var _ = delta("a", 1);
        archive("words/delta/a/", 64 * MIB, "words/delta/packed/delta.tar.gz");

        Failure failure = with(room(60)).refused(chunk("small", "packed"));
        assertThat(failure.reason()).isEqualTo("too-large-for-worker");
        assertThat(failure.message()).contains("delta words/delta/packed/", "of disk, this worker has 60.0 MiB");

        var work = with(room(200));
        work.done(chunk("large", "packed"));
        assertThat(work.chunk("large", 0).records()).isOne();
    }

    private void archive(String prefix, long zeros, String key) throws IOException {
        Path file = scratch.resolve("packed.tar.gz");
        try (OutputStream out = Files.newOutputStream(file);
                var tar = new TarArchiveOutputStream(new GzipCompressorOutputStream(out))) {
            byte[] database =
                    memory.read(prefix + "chroma.sqlite3").orElseThrow().bytes();
            member(tar, "chroma.sqlite3", database);
            member(tar, "0d1c2b3a-0000-4000-8000-000000000001/data_level0.bin", new byte[(int) zeros]);
        }
        memory.put(key, file);
        Files.delete(file);
    }

    private static void member(TarArchiveOutputStream tar, String name, byte[] content) throws IOException {
        var entry = new TarArchiveEntry(name);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
    }
}
