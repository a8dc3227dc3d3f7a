package dev.chromacompactor.question;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Swept;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.producer.Chunking;
import dev.chromacompactor.question.BatchAnswer.Obstacle;
import dev.chromacompactor.question.BatchAnswer.Outside;
import dev.chromacompactor.question.BatchAnswer.State;
import dev.chromacompactor.snapshot.ChunkName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BatchQuestionTest {
    private static final Duration YEAR = Duration.ofDays(365);

    private final Scene scene = new Scene();

    private BatchAnswer explained(String batch, State state) {
        BatchAnswer answer = scene.questions.explain(batch);
        assertThat(answer.state()).as(answer.toString()).isEqualTo(state);
        assertThat(answer.because()).isNotBlank();
        assertThat(answer.advice()).isNotBlank();
        return answer;
    }

    private static ChunkName chunk(String batch, int index) {
        return ChunkName.of(batch, index);
    }

    private void pause(String database, String reason, Instant until) {
        new Pauses(scene.store, () -> scene.now).write(database, new Pause(reason, "olga", scene.now, until));
    }

    @Test
    void a_batch_that_nothing_in_the_bucket_bears_the_name_of_is_unknown() {
        scene.enqueue("b-1", Policy.PUBLISH, "a");

        BatchAnswer answer = explained("b-2", State.UNKNOWN);

        assertThat(answer.database()).isNull();
        assertThat(answer.advice()).contains("compactor batch list");
    }

    @Test
    void chunks_without_a_plan_wait_for_the_final_merge_that_says_how_many_they_are() {
        Plan plan = scene.plan("b-1", Policy.PUBLISH, "a", "b");
        scene.done(plan, 0);
        scene.failed(plan, 1);

        BatchAnswer answer = explained("b-1", State.NO_PLAN);

        assertThat(answer.because()).contains("2 chunks of it have results");
        assertThat(answer.advice())
                .isEqualTo(
                        "send {\"operation\":\"final_merge\",\"batch_id\":\"b-1\",\"database\":\"words\",\"total_chunks\":2}");
    }

    @Test
    void a_marker_whose_plan_is_gone_is_said_so() {
        scene.upload("a");
        scene.open.open("b-1");

        BatchAnswer answer = explained("b-1", State.NO_PLAN);

        assertThat(answer.database()).isEqualTo("words");
        assertThat(answer.because()).contains("its plan is gone");
    }

    @Test
    void a_plan_without_marker_and_messages_was_never_sent() {
        Plan plan = scene.plan("b-1", Policy.PUBLISH, "a", "b");
        var _ = new dev.chromacompactor.batch.Plans(scene.store).create(plan);

        assertThat(explained("b-1", State.NOT_SENT).advice())
                .contains(
                        "compactor enqueue --database words --batch b-1 --delta words/delta/a/ --delta words/delta/b/");
    }

    @Test
    void missing_chunks_are_named_with_how_long_it_is_open_and_when_the_last_result_came() {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a", "b", "c");
        Instant opened = scene.now;
        scene.pass(Duration.ofMinutes(5));
        scene.done(plan, 1);
        scene.pass(Duration.ofMinutes(7));

        BatchAnswer answer = explained("b-1", State.WAITING_FOR_CHUNKS);

        assertThat(answer.because())
                .isEqualTo(
                        "waits for 2 of 3 chunks: b-1/0, b-1/2; open for 12 min 0 s, the last result came 7 min 0 s ago");
        assertThat(answer.advice()).contains("nothing yet", "compactor batch watch b-1");
        assertThat(answer.openSince()).isEqualTo(opened);
        assertThat(answer.outside())
                .extracting(Outside::chunk, Outside::obstacle)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(chunk("b-1", 0), Obstacle.MISSING),
                        org.assertj.core.groups.Tuple.tuple(chunk("b-1", 1), Obstacle.FOLDED),
                        org.assertj.core.groups.Tuple.tuple(chunk("b-1", 2), Obstacle.MISSING));
    }

    @Test
    void a_chunk_that_is_silent_for_hours_is_looked_for_among_workers_and_letters() {
        scene.enqueue("b-1", Policy.PUBLISH, "a");
        scene.pass(Duration.ofHours(3));

        BatchAnswer answer = explained("b-1", State.WAITING_FOR_CHUNKS);

        assertThat(answer.because()).contains("open for 3 h 0 min", "no result came yet");
        assertThat(answer.advice()).contains("compactor status", "compactor dlq list --batch b-1");
    }

    @Test
    void what_idle_workers_did_about_it_is_said() {
        scene.enqueue("b-1", Policy.PUBLISH, "a");
        long opened = scene.now.toEpochMilli();
        scene.pass(Duration.ofHours(3));
        var swept = new Swept(Swept.FORMAT, "b-1", "words", opened, scene.now.toEpochMilli(), 2, 1);
        scene.store.put(BatchKeys.swept("b-1"), swept.bytes());
        scene.pass(Duration.ofMinutes(4));

        assertThat(explained("b-1", State.WAITING_FOR_CHUNKS).because())
                .endsWith(
                        "no result came yet; idle workers looked after it 2 times, the last time 4 min 0 s ago and sent 1 message");
    }

    @Test
    void an_intermediate_without_its_receipt_is_seen() {
        scene.folded("b-1", Policy.PUBLISH, "a");
        scene.store.delete(List.of(BatchKeys.chunkReceipt("b-1", 0)));

        assertThat(explained("b-1", State.WAITING_FOR_CHUNKS)
                        .outside()
                        .getFirst()
                        .message())
                .contains("a worker died between the two");
    }

    @Test
    void a_pause_comes_before_what_would_be_waited_for_anyway() {
        scene.enqueue("b-1", Policy.PUBLISH, "a");
        pause("words", "labels", null);

        BatchAnswer one = explained("b-1", State.PAUSED);
        assertThat(one.because())
                .contains(
                        "publishing of words is paused: labels, by olga",
                        "beside that it waits for 1 of 1 chunk: b-1/0");
        assertThat(one.advice()).isEqualTo("compactor resume --database words");

        pause(null, "the bucket moves", scene.now.plusSeconds(60));
        BatchAnswer everything = explained("b-1", State.PAUSED);
        assertThat(everything.because()).contains("everything is paused: the bucket moves");
        assertThat(everything.advice()).isEqualTo("compactor resume");
    }

    @Test
    void a_pause_that_is_over_or_of_another_database_is_in_nobody_s_way() {
        scene.enqueue("b-1", Policy.PUBLISH, "a");
        pause("words", "labels", scene.now.plusSeconds(60));
        pause("other", "labels", null);
        scene.pass(Duration.ofSeconds(61));

        explained("b-1", State.WAITING_FOR_CHUNKS);
    }

    @Test
    void a_failed_chunk_holds_a_batch_that_is_all_or_nothing() {
        Plan plan = scene.enqueue("b-1", Policy.HOLD, "a", "b");
        scene.done(plan, 0);
        scene.failed(plan, 1);
        scene.publish(plan);

        BatchAnswer answer = explained("b-1", State.ON_HOLD);

        assertThat(answer.reason()).isEqualTo("sqlite-corrupt");
        assertThat(answer.because()).contains("its policy is hold", "1 chunk failed; b-1/1: page 3 is torn");
        assertThat(answer.advice()).isEqualTo("mend the input, then: compactor dlq replay --batch b-1 --yes");
    }

    @Test
    void what_is_complete_and_not_taken_yet_is_on_its_way_since_the_last_result() {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a", "b");
        scene.done(plan, 0);
        scene.pass(Duration.ofMinutes(1));
        scene.failed(plan, 1);
        Instant last = scene.now;
        scene.pass(Duration.ofMinutes(1));

        assertThat(explained("b-1", State.READY).because()).contains("1 chunk can be taken in, since " + last);
        scene.pass(Duration.ofHours(2));
        assertThat(explained("b-1", State.READY).advice()).contains("compactor status");
    }

    @Test
    void a_large_batch_that_is_merged_in_groups_first_is_on_its_way() {
        List<LocatedDelta> deltas = Stream.of("a", "b", "c", "d", "e")
                .map(name -> scene.producer.named(scene.upload(name)))
                .toList();
        Plan plan = scene.producer.plan("b-1", deltas, new Chunking(1, 1 << 20, 2), Policy.PUBLISH, "words");
        scene.producer.send(plan, _ -> {});
        for (int chunk = 0; chunk < 5; chunk++) {
            scene.done(plan, chunk);
        }

        assertThat(explained("b-1", State.READY).because())
                .contains("5 chunks can be taken in", "they are merged in groups first");
    }

    @Test
    void all_inside_is_said_with_the_version() {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a", "b");
        scene.done(plan, 0);
        scene.empty(plan, 1);
        String version = scene.publish(plan);
        assertThat(scene.open.list()).isEmpty();

        BatchAnswer answer = explained("b-1", State.INSIDE);

        assertThat(answer.version()).isEqualTo(version);
        assertThat(answer.inside()).isEqualTo(2);
        assertThat(answer.because()).contains("since " + version);
        assertThat(answer.outside()).isEmpty();
    }

    @Test
    void a_failed_chunk_under_publish_is_excused_by_name_and_its_letter_can_be_replayed() {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a", "b");
        scene.done(plan, 0);
        scene.failed(plan, 1);
        String version = scene.publish(plan);

        BatchAnswer answer = explained("b-1", State.PARTLY_INSIDE);

        assertThat(answer.because())
                .isEqualTo("1 of 2 chunks are inside, since " + version
                        + "; excused: b-1/1: sqlite-corrupt: page 3 is torn");
        assertThat(answer.advice()).contains("compactor dlq replay --batch b-1 --yes");
        assertThat(answer.outside())
                .containsExactly(new Outside(
                        chunk("b-1", 1), null, Obstacle.FAILED, "sqlite-corrupt", "page 3 is torn", version));

        scene.done(plan, 1);
        explained("b-1", State.READY);
        scene.publish(plan);
        explained("b-1", State.INSIDE);
    }

    @Test
    void nothing_but_failures_and_nothing_but_emptiness_are_told_apart() {
        Plan failures = scene.enqueue("b-1", Policy.PUBLISH, "a");
        scene.failed(failures, 0);
        scene.publish(failures);
        Plan emptiness = scene.enqueue("b-2", Policy.PUBLISH, "b");
        scene.empty(emptiness, 0);
        scene.publish(emptiness);

        assertThat(explained("b-1", State.ALL_FAILED).advice()).contains("dlq replay --batch b-1");
        assertThat(explained("b-2", State.EMPTY).version()).isNull();
    }

    @Test
    void a_chunk_that_does_not_fit_is_refused_at_publish_and_the_others_go_on() {
        scene.published("b-1", Policy.PUBLISH, "a");
        Plan misfit = scene.enqueue("b-2", Policy.PUBLISH, "b");
        scene.done(misfit, 0, 9, false);

        BatchAnswer before = explained("b-2", State.REFUSED_AT_PUBLISH);
        assertThat(before.reason()).isEqualTo("dimension-mismatch");
        assertThat(before.outside().getFirst().since())
                .as("the next version will say it")
                .isNull();
        Plan other = scene.folded("b-3", Policy.PUBLISH, "c");
        String version = scene.publish(other);

        BatchAnswer answer = explained("b-2", State.REFUSED_AT_PUBLISH);
        assertThat(answer.because()).contains("b-2/0: dimension-mismatch", "brings 9");
        assertThat(answer.outside().getFirst().since()).isEqualTo(version);
        assertThat(answer.advice())
                .isEqualTo(
                        "mend the deltas, then send them as a new batch: compactor enqueue --database words --delta words/delta/b/");
        explained("b-3", State.INSIDE);
    }

    @Test
    void one_misfit_refuses_a_batch_on_hold_as_a_whole() {
        scene.published("b-1", Policy.PUBLISH, "a");
        Plan held = scene.enqueue("b-2", Policy.HOLD, "b", "c");
        scene.done(held, 0);
        scene.done(held, 1, 9, false);

        BatchAnswer answer = explained("b-2", State.REFUSED_AT_PUBLISH);

        assertThat(answer.outside()).extracting(Outside::obstacle).containsOnly(Obstacle.REFUSED);
        assertThat(answer.outside().getFirst().message()).contains("is on hold and b-2/1 was refused");
    }

    @Test
    void a_list_that_the_level_of_the_snapshot_does_not_know_is_refused() {
        scene.published("b-1", Policy.PUBLISH, "a");
        lowerTheLevel();
        Plan lists = scene.enqueue("b-2", Policy.PUBLISH, "b");
        scene.done(lists, 0, 8, true);

        assertThat(explained("b-2", State.REFUSED_AT_PUBLISH).reason()).isEqualTo("schema-level-too-low");
    }

    /** The live version as a Chroma of before the lists would have left it. */
    private void lowerTheLevel() {
        var manifest =
                scene.store.list("words/snapshot/timestamped/").getFirst().key();
        var text = new String(scene.store.read(manifest).orElseThrow().bytes(), UTF_8);
        assertThat(text).contains("\"metadb\":6");
        scene.store.put(manifest, text.replace("\"metadb\":6", "\"metadb\":5").getBytes(UTF_8));
    }

    @Test
    void what_a_rollback_took_out_stays_out_and_the_command_to_release_it_is_named() {
        scene.published("b-1", Policy.PUBLISH, "a", "b");
        scene.pass(Duration.ofMinutes(1));
        scene.rollBack(chunk("b-1", 0), chunk("b-1", 1));

        BatchAnswer answer = explained("b-1", State.ROLLED_BACK);

        assertThat(answer.because()).contains("b-1/0, b-1/1 was inside and was taken out by a rollback");
        assertThat(answer.advice()).contains("compactor snapshot release --database words b-1/0 b-1/1");
    }

    @Test
    void a_chunk_that_brings_back_what_was_rolled_back_is_refused_and_told_what_can_be_done() {
        scene.published("b-1", Policy.PUBLISH, "a");
        scene.pass(Duration.ofMinutes(1));
        scene.rollBack(chunk("b-1", 0));
        var again =
                scene.producer.plan("b-2", List.of(scene.producer.named("words/delta/a/")), 1, Policy.PUBLISH, "words");
        scene.producer.send(again, _ -> {});
        scene.done(again, 0);

        BatchAnswer answer = explained("b-2", State.REFUSED_AT_PUBLISH);

        assertThat(answer.reason()).isEqualTo("contains-rolled-back-input");
        assertThat(answer.advice()).contains("compactor snapshot release");
    }

    @Test
    void what_is_too_old_when_its_turn_comes_is_refused_by_name_and_expires_when_nobody_waits_for_it() {
        scene.published("b-1", Policy.PUBLISH, "a");
        String old = scene.upload("old");
        scene.pass(YEAR);
        scene.published("b-2", Policy.PUBLISH, "b");
        var late = scene.producer.plan("b-3", List.of(scene.producer.named(old)), 1, Policy.PUBLISH, "words");
        scene.producer.send(late, _ -> {});
        scene.done(late, 0);

        BatchAnswer refused = explained("b-3", State.REFUSED_AT_PUBLISH);
        assertThat(refused.reason()).isEqualTo("older-than-horizon");
        assertThat(refused.advice()).contains("write them again as new deltas");

        scene.open.close(List.of("b-3"));
        assertThat(explained("b-3", State.EXPIRED).because()).contains("before", "the horizon of words");
    }

    @Test
    void a_batch_that_waited_longer_than_the_horizon_is_expired() {
        Plan stuck = scene.enqueue("b-1", Policy.PUBLISH, "a", "b");
        scene.failed(stuck, 0);
        scene.published("b-2", Policy.PUBLISH, "c");
        scene.pass(YEAR);
        scene.published("b-3", Policy.PUBLISH, "d");

        explained("b-1", State.EXPIRED);
    }

    @Test
    void what_was_published_before_the_horizon_is_told_from_history() {
        Plan plan = scene.folded("b-1", Policy.PUBLISH, "a");
        String version = scene.publish(plan);
        scene.pass(YEAR);
        scene.published("b-2", Policy.PUBLISH, "b");
        scene.pass(Duration.ofDays(1));
        scene.published("b-3", Policy.PUBLISH, "c");

        BatchAnswer answer = explained("b-1", State.INSIDE_BEFORE_HORIZON);
        assertThat(answer.because()).contains(version, "batches/b-1/published.json");

        scene.store.delete(List.of(BatchKeys.plan("b-1"), BatchKeys.chunkReceipt("b-1", 0)));
        assertThat(explained("b-1", State.INSIDE_BEFORE_HORIZON).version()).isEqualTo(version);
        scene.store.delete(List.of(BatchKeys.plan("b-2"), BatchKeys.chunkReceipt("b-2", 0)));
        assertThat(explained("b-2", State.INSIDE).because()).contains("no plan any more");
    }

    @Test
    void a_bucket_that_contradicts_itself_halts_publishing_and_says_how() {
        scene.published("b-1", Policy.PUBLISH, "a");
        scene.publish(plan(scene));
        scene.store.put("words/snapshot/latest-pointer.txt", "20261124_120000_000009_0badf00d".getBytes(UTF_8));

        BatchAnswer dangling = explained("b-1", State.PUBLISHING_HALTED);
        assertThat(dangling.reason()).isEqualTo("pointer-dangling");
        assertThat(dangling.because()).contains("contradicts itself", "20261124_120000_000009_0badf00d");

        scene.store.delete(List.of("words/snapshot/latest-pointer.txt"));
        assertThat(explained("b-1", State.PUBLISHING_HALTED).reason()).isEqualTo("pointer-missing");
    }

    private static Plan plan(Scene scene) {
        scene.pass(Duration.ofMinutes(1));
        return scene.folded("b-2", Policy.PUBLISH, "b");
    }

    @Test
    void every_state_stands_in_the_handbook() throws IOException {
        String handbook = Files.readString(Path.of("..", "docs", "operations.md"));

        assertThat(Stream.concat(
                        Stream.of(State.values()).map(State::label),
                        Stream.of(DeltaAnswer.State.values()).map(DeltaAnswer.State::label)))
                .allSatisfy(label -> assertThat(handbook).contains("| **" + label + "** |"));
    }
}
