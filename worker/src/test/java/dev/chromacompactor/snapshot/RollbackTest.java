package dev.chromacompactor.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Lineage.Chunk;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Lineage.Input;
import dev.chromacompactor.snapshot.Lineage.Revoked;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class RollbackTest {
    private static final String DATA = "/segment/data.bin";

    private final Versions words = new Versions();

    private String data(String version) {
        return new String(
                words.store.read(Versions.FOLDER + version + DATA).orElseThrow().bytes(), UTF_8);
    }

    private String pointerEtag() {
        return words.store.head(Versions.POINTER).orElseThrow().etag();
    }

    private Manifest rollBack(String version) {
        return words.rollback.run(words.rollback.plan(version, null));
    }

    @Test
    void the_old_content_comes_back_as_a_new_version_behind_a_pointer_that_was_never_there() {
        String old = words.publish("b/0");
        String oldEtag = pointerEtag();
        String bad = words.publish("b/1");

        Manifest back = rollBack(old);

        assertThat(words.live().manifest()).isEqualTo(back);
        assertThat(back.version()).isNotEqualTo(old);
        assertThat(back.seq()).isEqualTo(3);
        assertThat(back.base()).isEqualTo(bad);
        assertThat(back.reverts()).isEqualTo(old);
        assertThat(back.contents().files())
                .isEqualTo(words.catalog.load(old).orElseThrow().contents().files());
        assertThat(data(back.version())).isEqualTo(data(old));
        assertThat(words.catalog.verify(back.version())).isEmpty();
        assertThat(pointerEtag()).isNotEqualTo(oldEtag);
        assertThat(back.lineage().names()).containsExactly(ChunkName.of("b", 0));
        assertThat(back.lineage().revoked().chunks()).extracting(Chunk::name).containsExactly(ChunkName.of("b", 1));
        assertThat(words.whole(old)).isTrue();
        assertThat(words.whole(bad)).isTrue();
    }

    /** With the old id in the pointer again, its ETag would be the old one, and this write would win. */
    @Test
    void a_publisher_that_slept_since_before_the_rolled_back_version_cannot_win() {
        String old = words.publish("b/0");
        Live then = words.live();
        Manifest sleeping = words.uploaded(then, "b/1");
        words.publish("b/1");

        Manifest back = rollBack(old);

        assertThat(words.publisher.commit(then, sleeping)).isInstanceOf(CommitOutcome.LostRace.class);
        assertThat(words.live().version()).isEqualTo(back.version());
    }

    @Test
    void a_publisher_that_built_on_the_rolled_back_version_cannot_win_either() {
        String old = words.publish("b/0");
        words.publish("b/1");
        Live bad = words.live();
        Manifest building = words.uploaded(bad, "b/2");

        Manifest back = rollBack(old);

        assertThat(words.publisher.commit(bad, building))
                .isInstanceOfSatisfying(
                        CommitOutcome.LostRace.class,
                        lost -> assertThat(lost.now().lineage()).isEqualTo(back.lineage()));
    }

    @Test
    void another_version_published_meanwhile_is_not_rolled_back() {
        String old = words.publish("b/0");
        words.publish("b/1");
        var plan = words.rollback.plan(old, null);
        String newer = words.publish("b/2");

        assertFails(() -> words.rollback.run(plan), Blame.CONFLICT, "pointer-moved");
        assertThat(words.live().version()).isEqualTo(newer);
    }

    @Test
    void only_what_the_operator_saw_is_rolled_back() {
        String old = words.publish("b/0");
        String seen = words.publish("b/1");
        words.publish("b/2");

        assertFails(() -> words.rollback.plan(old, seen), Blame.INPUT, "live-not-expected");
        assertThat(words.rollback.plan(old, words.live().version()).takenOut())
                .containsExactlyInAnyOrder(ChunkName.of("b", 1), ChunkName.of("b", 2));
    }

    @Test
    void asked_twice_it_is_done_once() {
        String old = words.publish("b/0");
        String bad = words.publish("b/1");
        Manifest back = rollBack(old);

        assertThat(words.rollback.plan(old, bad).done()).isTrue();
        assertThat(rollBack(old)).isEqualTo(back);
        assertThat(words.there()).hasSize(3);
    }

    @Test
    void what_cannot_be_rolled_back_is_said_in_words() {
        assertFails(
                () -> words.rollback.plan("20261124_080000_000001_0123abcd", null), Blame.INPUT, "nothing-published");
        String only = words.publish("b/0");
        assertFails(() -> words.rollback.plan(only, null), Blame.INPUT, "version-live");
        assertFails(() -> words.rollback.plan("20251115_171818", null), Blame.INPUT, "version-unknown");
        words.publish("b/1");
        words.store.put(Versions.FOLDER + "20251115_171818/chroma.sqlite3", "x".getBytes(UTF_8));
        words.store.put(Versions.POINTER, "20251115_171818".getBytes(UTF_8));
        assertFails(() -> words.rollback.plan(only, null), Blame.INPUT, "version-foreign");
        words.store.delete(List.of(Versions.POINTER));
        assertFails(() -> words.rollback.plan(only, null), Blame.INVARIANT, "pointer-missing");
        words.store.put(Versions.POINTER, "20261124_080000_000009_0123abcd".getBytes(UTF_8));
        assertFails(() -> words.rollback.plan(only, null), Blame.INVARIANT, "pointer-dangling");
    }

    @Test
    void a_live_version_that_lost_a_file_can_be_rolled_back() {
        String old = words.publish("b/0");
        String damaged = words.publish("b/1");
        words.store.delete(List.of(Versions.FOLDER + damaged + DATA));
        assertFails(words.catalog::live, Blame.INVARIANT, "snapshot-damaged");

        Manifest back = rollBack(old);

        assertThat(words.live().manifest()).isEqualTo(back);
    }

    @Test
    void a_damaged_version_never_comes_back() {
        String old = words.publish("b/0");
        String live = words.publish("b/1");
        var plan = words.rollback.plan(old, null);

        words.store.put(
                Versions.FOLDER + old + DATA, data(old).replace("b", "c").getBytes(UTF_8));
        assertFails(() -> words.rollback.run(plan), Blame.INVARIANT, "upload-differs");
        words.store.delete(List.of(Versions.FOLDER + old + DATA));
        assertFails(() -> words.rollback.run(plan), Blame.INPUT, "version-unknown");

        assertThat(words.live().version()).isEqualTo(live);
    }

    @Test
    void a_pointer_write_without_an_answer_is_settled_by_looking() {
        for (Fault fault : List.of(Fault.ANSWER_LOST, Fault.CONFLICT)) {
            var database = new Versions();
            String old = database.publish("b/0");
            String bad = database.publish("b/1");
            database.store.fail(Kind.PUT_IF_MATCH, Versions.POINTER, fault);
            var plan = database.rollback.plan(old, bad);
            if (fault == Fault.ANSWER_LOST) {
                assertThat(database.rollback.run(plan))
                        .isEqualTo(database.live().manifest());
            } else {
                assertFails(() -> database.rollback.run(plan), Blame.CONFLICT, "pointer-moved");
                assertThat(database.live().version()).isEqualTo(bad);
            }
        }
    }

    @Test
    void a_crash_between_any_two_calls_changes_nothing_or_all() {
        int before = 0;
        int after = 0;
        for (int at = 1; ; at++) {
            var database = new Versions();
            String old = database.publish("b/0");
            String bad = database.publish("b/1");

            boolean killed =
                    Killed.at(at, database.store, () -> database.rollback.run(database.rollback.plan(old, bad)));

            Manifest live = database.live().manifest();
            assertThat(database.catalog.verify(live.version()))
                    .as("killed at %s", at)
                    .isEmpty();
            if (live.version().equals(bad)) {
                before++;
            } else {
                after++;
                assertThat(live.reverts()).isEqualTo(old);
            }
            Manifest again = database.rollback.run(database.rollback.plan(old, bad));
            assertThat(database.live().manifest()).as("killed at %s", at).isEqualTo(again);
            assertThat(again.seq()).as("killed at %s", at).isEqualTo(3);
            // What was left behind goes when it can no longer win.
            database.publish("b/2");
            database.collect();
            assertThat(database.there()).as("killed at %s", at).hasSize(1);
            if (!killed) {
                break;
            }
        }
        assertThat(before).isGreaterThan(8);
        assertThat(after).isPositive();
    }

    @Test
    void a_collection_at_the_same_time_leaves_the_new_version_alone() {
        String old = words.publish("b/0");
        words.publish("b/1");
        var plan = words.rollback.plan(old, null);
        words.store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_MATCH && call.key().equals(Versions.POINTER)) {
                words.store.onCall(_ -> {});
                words.collect();
            }
        });

        Manifest back = words.rollback.run(plan);

        assertThat(words.live().manifest()).isEqualTo(back);
        assertThat(words.whole(back.version())).isTrue();
        assertThat(words.there()).doesNotContain(old);
    }

    @Test
    void rolled_forward_again_what_was_out_is_in_and_no_longer_revoked() {
        String first = words.publish("b/0");
        String second = words.publish("b/1");
        rollBack(first);

        var plan = words.rollback.plan(second, null);
        assertThat(plan.broughtBack()).containsExactly(ChunkName.of("b", 1));
        assertThat(plan.takenOut()).isEmpty();
        Manifest forward = words.rollback.run(plan);

        assertThat(forward.lineage().names()).containsExactlyInAnyOrder(ChunkName.of("b", 0), ChunkName.of("b", 1));
        assertThat(forward.lineage().revoked()).isEqualTo(Lineage.EMPTY.revoked());
        assertThat(data(forward.version())).isEqualTo(data(second));
    }

    @Test
    void two_rollbacks_revoke_what_both_took_out() {
        String first = words.publish("b/0");
        String second = words.publish("b/1");
        words.publish("b/2");
        rollBack(second);
        words.publish("b/3");

        Manifest back = rollBack(first);

        assertThat(back.lineage().revoked().chunks())
                .extracting(Chunk::name)
                .containsExactlyInAnyOrder(ChunkName.of("b", 1), ChunkName.of("b", 2), ChunkName.of("b", 3));
    }

    private static Chunk chunk(String name) {
        return new Chunk(new ChunkName(name), "intermediate/" + name, "e", "v");
    }

    private static Input input(String key, String chunk) {
        return new Input(key, "id", 1, 1, new ChunkName(chunk), "v");
    }

    private static Excuse excuse(String chunk, String etag) {
        return new Excuse(new ChunkName(chunk), null, "reason", "message", null, etag.isEmpty() ? null : etag, "v");
    }

    @Test
    void inputs_failures_and_refusals_follow_their_chunks() {
        var known = excuse("b/7", "e7");
        var target = new Lineage(
                5, 1, List.of(chunk("b/0")), List.of(input("x", "b/0")), List.of(known), Lineage.EMPTY.revoked());
        var failure = excuse("b/8", "");
        var live = new Lineage(
                9,
                1,
                List.of(chunk("b/0"), chunk("b/1")),
                // The later chunk brought x once more, so it is named as the one that did.
                List.of(input("x", "b/1"), input("y", "b/1")),
                List.of(known, failure, excuse("b/9", "e9")),
                new Revoked(List.of(chunk("a/0")), List.of(input("z", "a/0"))));

        Lineage back = live.revertedTo(target);

        assertThat(back.horizon()).isEqualTo(9);
        assertThat(back.chunks()).isEqualTo(target.chunks());
        assertThat(back.inputs()).isEqualTo(target.inputs());
        assertThat(back.revoked().chunks()).containsExactlyInAnyOrder(chunk("a/0"), chunk("b/1"));
        assertThat(back.revoked().inputs()).containsExactlyInAnyOrder(input("y", "b/1"), input("z", "a/0"));
        // What did not fit to the content that is gone may fit to this one.
        assertThat(back.excused()).containsExactly(known, failure);
    }

    private static void assertFails(ThrowingCallable call, Blame blame, String reason) {
        assertThatThrownBy(call).isInstanceOfSatisfying(FailureException.class, e -> {
            assertThat(e.failure().reason()).as(e.getMessage()).isEqualTo(reason);
            assertThat(e.failure().blame()).isEqualTo(blame);
        });
    }
}
