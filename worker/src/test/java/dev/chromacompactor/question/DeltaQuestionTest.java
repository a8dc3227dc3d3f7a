package dev.chromacompactor.question;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.question.DeltaAnswer.State;
import dev.chromacompactor.snapshot.ChunkName;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeltaQuestionTest {
    private final Scene scene = new Scene();

    private DeltaAnswer where(String key, State state) {
        DeltaAnswer answer = scene.producer.where(key);
        assertThat(answer.state()).as(answer.toString()).isEqualTo(state);
        assertThat(answer.because()).isNotBlank();
        assertThat(answer.advice()).isNotBlank();
        return answer;
    }

    private String published(String batch, String... names) {
        Plan plan = scene.enqueue(batch, Policy.PUBLISH, names);
        for (int chunk = 0; chunk < names.length; chunk++) {
            scene.done(plan, chunk);
        }
        return scene.publish(plan);
    }

    @Test
    void what_is_inside_is_told_with_its_version_with_or_without_a_slash() {
        String version = published("b-1", "a", "b");

        DeltaAnswer answer = where("words/delta/b", State.INSIDE);

        assertThat(answer.version()).isEqualTo(version);
        assertThat(answer.chunk()).isEqualTo(ChunkName.of("b-1", 1));
        assertThat(answer.identity())
                .isEqualTo(scene.producer.named("words/delta/b/").identity());
        assertThat(where("words/delta/b/", State.INSIDE)).isEqualTo(answer);
        assertThat(where("words/delta/", State.NOT_THERE).identity()).isNull();
    }

    @Test
    void a_delta_that_was_deleted_since_is_inside_as_it_was() {
        published("b-1", "a");
        scene.store.delete(List.of("words/delta/a/chroma.sqlite3"));

        assertThat(where("words/delta/a/", State.INSIDE).because()).contains("gone by now");
    }

    @Test
    void one_that_was_written_again_is_inside_with_another_content_until_that_one_comes_in_too() {
        String version = published("b-1", "a");
        scene.pass(Duration.ofMinutes(1));
        scene.upload("a");

        DeltaAnswer answer = where("words/delta/a/", State.REPLACED);
        assertThat(answer.because()).contains("since " + version, "in no open batch");
        assertThat(answer.advice()).isEqualTo("compactor enqueue --database words --delta words/delta/a/");

        var again = scene.producer.plan(
                "b-2", scene.producer.discover("words/delta/").fresh(), 1, Policy.PUBLISH, "words");
        scene.producer.send(again, _ -> {});
        assertThat(where("words/delta/a/", State.REPLACED).because()).contains("waits for chunk b-2/0");
        scene.done(again, 0);
        String next = scene.publish(again);
        assertThat(where("words/delta/a/", State.INSIDE).version()).isEqualTo(next);
    }

    @Test
    void what_a_rollback_took_out_is_told_with_the_version_that_did_it() {
        published("b-1", "a");
        scene.pass(Duration.ofMinutes(1));
        published("b-2", "b");
        scene.pass(Duration.ofMinutes(1));
        String by = scene.rollBack(ChunkName.of("b-2", 0));
        scene.pass(Duration.ofMinutes(1));
        published("b-3", "c");

        DeltaAnswer answer = where("words/delta/b/", State.ROLLED_BACK);

        assertThat(answer.version()).isEqualTo(by);
        assertThat(answer.advice()).contains("compactor snapshot release --database words b-2/0");
        where("words/delta/a/", State.INSIDE);
    }

    @Test
    void what_waits_is_told_with_its_chunk_and_how_that_stands() {
        Plan plan = scene.enqueue("b-1", Policy.HOLD, "a", "b", "c");
        scene.done(plan, 1);
        scene.failed(plan, 2);

        assertThat(where("words/delta/a/", State.WAITING).because())
                .isEqualTo("waits for chunk b-1/0, which has neither result nor failure yet");
        assertThat(where("words/delta/b/", State.WAITING).because()).contains("b-1/1, which is folded");
        DeltaAnswer failed = where("words/delta/c/", State.WAITING);
        assertThat(failed.reason()).isEqualTo("sqlite-corrupt");
        assertThat(failed.advice()).contains("dlq replay --batch b-1");
    }

    @Test
    void what_is_excused_is_told_with_the_reason_until_it_is_replayed() {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a", "b");
        scene.done(plan, 0);
        scene.failed(plan, 1);
        String version = scene.publish(plan);

        DeltaAnswer answer = where("words/delta/b/", State.EXCUSED);
        assertThat(answer.reason()).isEqualTo("sqlite-corrupt");
        assertThat(answer.because()).contains("page 3 is torn", version);
        assertThat(answer.advice()).contains("compactor batch explain b-1");

        scene.done(plan, 1);
        where("words/delta/b/", State.WAITING);
        scene.publish(plan);
        where("words/delta/b/", State.INSIDE);
    }

    @Test
    void what_is_refused_at_publish_is_excused() {
        published("b-1", "a");
        Plan misfit = scene.enqueue("b-2", Policy.PUBLISH, "b");
        scene.done(misfit, 0, 9, false);
        published("b-3", "c");

        assertThat(where("words/delta/b/", State.EXCUSED).reason()).isEqualTo("dimension-mismatch");
    }

    @Test
    void what_is_older_than_manifests_remember_is_told_from_plans_and_receipts() {
        published("b-1", "a");
        scene.upload("never-sent");
        scene.pass(Duration.ofDays(365));
        published("b-2", "b");
        scene.pass(Duration.ofDays(1));
        published("b-3", "c");

        DeltaAnswer sent = where("words/delta/a/", State.BEFORE_HORIZON);
        assertThat(sent.because()).contains("the manifest cannot tell", "it was in chunk b-1/0");
        assertThat(where("words/delta/never-sent/", State.BEFORE_HORIZON).because())
                .contains("no plan");
        scene.store.delete(List.of(BatchKeys.plan("b-1")));
        assertThat(where("words/delta/a/", State.BEFORE_HORIZON).because()).contains("no plan");
    }

    @Test
    void what_lies_there_unasked_for_and_what_is_not_there_are_told_apart() {
        published("b-1", "a");
        scene.upload("b");

        assertThat(where("words/delta/b/", State.UNKNOWN).advice())
                .isEqualTo("compactor enqueue --database words --delta words/delta/b/");
        where("words/delta/c/", State.NOT_THERE);
    }

    @Test
    void a_delta_in_an_empty_chunk_is_found_in_its_batch() {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a");
        scene.empty(plan, 0);
        scene.publish(plan);

        assertThat(where("words/delta/a/", State.UNKNOWN).because()).contains("b-1/0, which held nothing");
    }

    @Test
    void what_is_older_than_the_snapshot_of_another_writer_cannot_be_told() {
        scene.upload("a");
        scene.pass(Duration.ofMinutes(1));
        scene.store.put("words/snapshot/timestamped/20250101_000000_123456/chroma.sqlite3", "x".getBytes(UTF_8));
        scene.store.put("words/snapshot/latest-pointer.txt", "20250101_000000_123456".getBytes(UTF_8));
        scene.pass(Duration.ofMinutes(1));
        scene.upload("b");

        assertThat(where("words/delta/a/", State.BEFORE_FOREIGN_SNAPSHOT).because())
                .contains("another writer");
        where("words/delta/b/", State.UNKNOWN);
    }

    @Test
    void archives_are_known_by_their_own_key() {
        scene.store.put("words/delta/packed.tar.gz", "bytes".getBytes(UTF_8));
        var plan = scene.producer.plan(
                "b-1", scene.producer.discover("words/delta/").fresh(), 1, Policy.PUBLISH, "words");
        scene.producer.send(plan, _ -> {});
        scene.done(plan, 0);
        scene.publish(plan);

        DeltaAnswer answer = where("words/delta/packed.tar.gz", State.INSIDE);

        assertThat(answer.identity())
                .isEqualTo(scene.store
                        .head("words/delta/packed.tar.gz")
                        .orElseThrow()
                        .etag());
    }
}
