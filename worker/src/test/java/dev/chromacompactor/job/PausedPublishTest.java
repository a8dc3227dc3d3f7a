package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A paused database folds chunks as ever, and publishes when somebody resumes. */
class PausedPublishTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");

    @TempDir
    Path scratch;

    private final MemoryObjectStore store = new MemoryObjectStore("bucket");
    private final Pauses pauses = new Pauses(store, InstantSource.system());
    private Workplace work;

    @BeforeEach
    void a_folded_chunk() {
        work = new Workplace(store, scratch);
        var _ = SmallDelta.writtenAt(MONDAY).upsert("a", 1, "k", "v").put(store, "words/delta/one/", scratch);
        work.done("""
                {"operation":"process_chunk","batch_id":"b-1","chunk_index":0,"database":"words",
                 "delta_results":[{"delta_key":"words/delta/one/","delta_id":"one","collection":"words"}]}""");
        work.sent.clear();
    }

    private static final String FINAL = """
            {"operation":"final_merge","batch_id":"b-1","database":"words","total_chunks":1}""";

    private Outcome.PutOff putOff(String body) {
        Outcome outcome = work.deliver(body);
        assertThat(outcome).isInstanceOf(Outcome.PutOff.class);
        return (Outcome.PutOff) outcome;
    }

    private boolean published() {
        return work.catalog("words").live() instanceof Live.Ours;
    }

    @Test
    void the_publish_of_a_paused_database_is_put_off_and_comes_when_it_is_resumed() {
        pauses.write("words", new Pause("labels are being written", "ada", Instant.now(), null));

        var putOff = putOff(FINAL);
        assertThat(putOff.failure().reason()).isEqualTo("publishing-paused");
        assertThat(putOff.failure().message()).contains("words/control/pause.json", "labels are being written", "ada");
        assertThat(putOff.delay()).isPositive();
        assertThat(published()).isFalse();
        assertThat(work.letters).isEmpty();

        pauses.remove("words");
        work.done(FINAL);
        assertThat(published()).isTrue();
    }

    @Test
    void it_leaves_plan_and_marker_so_that_resume_knows_what_waits() {
        pauses.write(null, new Pause("bucket moves", null, null, null));
        var _ = putOff(FINAL);
        assertThat(new OpenBatches(store, "words").list())
                .extracting(OpenBatches.Marker::batch)
                .containsExactly("b-1");
        pauses.remove(null);
        work.done(StageMessages.finalMerge("b-1", "words"));
        assertThat(published()).isTrue();
    }

    @Test
    void chunks_are_folded_while_their_database_is_paused() {
        pauses.write("words", new Pause("labels", null, null, null));
        var _ = SmallDelta.writtenAt(MONDAY).upsert("b", 2).put(store, "words/delta/two/", scratch);
        work.done("""
                {"operation":"process_chunk","batch_id":"b-2","chunk_index":0,"database":"words",
                 "delta_results":[{"delta_key":"words/delta/two/","delta_id":"two","collection":"words"}]}""");
        assertThat(work.chunk("b-2", 0).records()).isEqualTo(1);
    }

    @Test
    void the_pause_of_one_database_leaves_the_others_alone() {
        pauses.write("lines", new Pause("labels", null, null, null));
        work.done(FINAL);
        assertThat(published()).isTrue();
    }

    @Test
    void a_pause_that_has_ended_by_itself_holds_nothing_up() {
        pauses.write("words", new Pause("labels", null, null, Instant.now().minusSeconds(1)));
        work.done(FINAL);
        assertThat(published()).isTrue();
    }

    @Test
    void a_pause_that_comes_while_the_version_is_built_is_seen_before_the_pointer_is_written() {
        store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_ABSENT && call.key().endsWith("/manifest.json")) {
                store.onCall(_ -> {});
                pauses.write("words", new Pause("labels", null, null, null));
            }
        });
        var _ = putOff(FINAL);
        assertThat(published()).isFalse();
        assertThat(work.catalog("words").mayStillWin()).hasSize(1);

        pauses.remove("words");
        work.done(FINAL);
        assertThat(published()).isTrue();
        assertThat(work.catalog("words").mayStillWin()).isEmpty();
    }

    @Test
    void an_object_that_cannot_be_read_puts_it_off_too() {
        store.put("words/control/pause.json", new byte[] {'?'});
        assertThat(putOff(FINAL).failure().message()).contains("cannot be read");
        assertThat(published()).isFalse();
    }

    @Test
    void it_comes_again_right_after_a_pause_with_an_end() {
        pauses.write("words", new Pause("labels", null, null, Instant.now().plus(Duration.ofMinutes(30))));
        assertThat(putOff(FINAL).delay()).isBetween(Duration.ofMinutes(29), Duration.ofMinutes(31));
    }
}
