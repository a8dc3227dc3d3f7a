package dev.chromacompactor.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Verdict.Fate;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class VersionCollectorTest {
    private static final Duration DAY = Duration.ofDays(1);

    private final Versions words = new Versions();

    private static Map<String, Fate> fates(List<Verdict> verdicts) {
        return verdicts.stream().collect(Collectors.toMap(Verdict::version, Verdict::fate));
    }

    @Test
    void the_newest_stay_and_so_does_what_was_superseded_lately() {
        var versions = new ArrayList<String>();
        for (int i = 0; i < 5; i++) {
            versions.add(words.publish("b/" + i));
        }
        words.later(DAY);
        versions.add(words.publish("b/5"));

        assertThat(fates(words.collector(2, DAY).plan()))
                .isEqualTo(Map.of(
                        versions.get(5), Fate.LIVE,
                        versions.get(4), Fate.NEWEST,
                        // Superseded a day ago, as far as anybody can tell: the version after its successor is of
                        // today.
                        versions.get(3), Fate.LATELY,
                        versions.get(2), Fate.DEAD,
                        versions.get(1), Fate.DEAD,
                        versions.get(0), Fate.DEAD));

        var done = words.collector(2, DAY).collect((_, _, _) -> {});
        assertThat(done.deleted()).containsExactly(versions.get(2), versions.get(1), versions.get(0));
        assertThat(done.objects()).isEqualTo(6);
        assertThat(words.there()).containsExactlyElementsOf(versions.subList(3, 6));
        assertThat(words.there())
                .allSatisfy(each -> assertThat(words.whole(each)).isTrue());
    }

    @Test
    void the_age_alone_keeps_any_number() {
        for (int i = 0; i < 6; i++) {
            words.publish("b/" + i);
        }

        assertThat(words.collector(1, DAY).collect((_, _, _) -> {}).deleted()).isEmpty();
        words.later(DAY.plusMinutes(5));
        assertThat(words.collector(1, DAY).collect((_, _, _) -> {}).deleted()).hasSize(5);
    }

    @Test
    void uploads_that_lost_their_race_go_at_once_finished_or_not() {
        words.publish("b/0");
        Live base = words.live();
        String lost = words.uploaded(base, "b/1").version();
        String winner = words.publish("b/2");
        String half = VersionId.fresh(words.store.now(), 2);
        words.store.put(Versions.FOLDER + half + "/chroma.sqlite3", "half".getBytes(UTF_8));

        var plan = fates(words.collector(4, DAY).plan());
        assertThat(plan).containsEntry(lost, Fate.DEAD).containsEntry(half, Fate.DEAD);
        assertThat(words.collector(4, DAY).collect((_, _, _) -> {}).deleted()).containsExactlyInAnyOrder(lost, half);
        assertThat(words.there()).doesNotContain(lost, half).contains(winner);
    }

    @Test
    void an_upload_that_can_still_win_stays_however_old_and_wins() {
        words.publish("b/0");
        words.publish("b/1");
        Live base = words.live();
        Manifest slow = words.uploaded(base, "b/2");
        words.later(Duration.ofDays(400));

        assertThat(fates(words.collect().verdicts())).containsEntry(slow.version(), Fate.MAY_WIN);

        assertThat(words.publisher.commit(base, slow)).isInstanceOf(CommitOutcome.Committed.class);
        assertThat(words.live().version()).isEqualTo(slow.version());
        assertThat(words.whole(slow.version())).isTrue();
    }

    @Test
    void a_publisher_that_slept_through_the_collection_of_its_upload_loses() {
        words.publish("b/0");
        Live base = words.live();
        Manifest slow = words.uploaded(base, "b/1");
        String winner = words.publish("b/2");
        assertThat(words.collect().deleted()).contains(slow.version());

        assertThat(words.publisher.commit(base, slow)).isInstanceOf(CommitOutcome.LostRace.class);
        assertThat(words.live().version()).isEqualTo(winner);
    }

    @Test
    void a_pinned_version_stays_until_it_is_unpinned() {
        String old = words.publish("b/0");
        words.publish("b/1");
        assertThat(words.pins.pin(words.pin(old))).isTrue();

        assertThat(fates(words.collect().verdicts())).containsEntry(old, Fate.PINNED);
        assertThat(words.whole(old)).isTrue();
        assertThat(words.pins.unpin(old)).isTrue();
        assertThat(words.collect().deleted()).containsExactly(old);
        assertThat(words.pins.unpin(old)).isFalse();
    }

    @Test
    void an_empty_object_that_somebody_put_there_is_a_pin() {
        String old = words.publish("b/0");
        words.publish("b/1");
        words.store.put(Versions.PINS + old, new byte[0]);

        assertThat(words.collect().deleted()).isEmpty();
        assertThat(words.pins.read(old)).isEmpty();
    }

    @Test
    void what_another_writer_made_is_left_alone() {
        words.store.put(Versions.FOLDER + "20251115_171818/chroma.sqlite3", "x".getBytes(UTF_8));
        words.store.put(Versions.FOLDER + "20251116_171818_000001_0123abcd/snapshot.tar.gz", "x".getBytes(UTF_8));
        words.store.put(Versions.POINTER, "20251115_171818".getBytes(UTF_8));
        assertThat(fates(words.collect().verdicts()))
                .containsEntry("20251115_171818", Fate.LIVE)
                .doesNotContainValue(Fate.DEAD);
        String first = words.publish("b/0");
        words.publish("b/1");
        words.later(Duration.ofDays(400));

        assertThat(words.collect().deleted()).containsExactly(first);
        assertThat(words.there()).contains("20251115_171818", "20251116_171818_000001_0123abcd");
    }

    @Test
    void our_versions_from_before_another_writer_stay_as_long_as_others() {
        String before = words.publish("a/0");
        words.store.put(Versions.FOLDER + "20261124_080100/chroma.sqlite3", "x".getBytes(UTF_8));
        words.store.put(Versions.POINTER, "20261124_080100".getBytes(UTF_8));
        words.publish("b/0");
        words.publish("b/1");
        words.publish("b/2");

        assertThat(fates(words.collector(1, DAY).plan())).containsEntry(before, Fate.LATELY);
        words.later(DAY.plusHours(1));
        assertThat(fates(words.collector(1, DAY).plan())).containsEntry(before, Fate.DEAD);
    }

    @Test
    void below_a_gap_in_the_chain_nothing_goes() {
        words.publish("b/0");
        String middle = words.publish("b/1");
        words.publish("b/2");
        String oldest = words.there().getFirst();
        words.store.delete(List.of(Versions.FOLDER + middle + "/manifest.json"));

        var plan = fates(words.collector(4, DAY).plan());
        assertThat(plan).containsEntry(oldest, Fate.BELOW_GAP).containsEntry(middle, Fate.DEAD);
        assertThat(fates(words.collector(1, Duration.ZERO).plan())).containsEntry(oldest, Fate.DEAD);
    }

    @Test
    void nothing_goes_where_the_pointer_is_missing_or_names_nothing() {
        words.publish("b/0");
        words.publish("b/1");
        var before = words.objects();
        byte[] pointer = words.store.read(Versions.POINTER).orElseThrow().bytes();

        words.store.delete(List.of(Versions.POINTER));
        assertReason(words::collect, "pointer-missing");
        words.store.put(Versions.POINTER, "20261124_080000_000009_0123abcd".getBytes(UTF_8));
        assertReason(words::collect, "pointer-dangling");

        words.store.put(Versions.POINTER, pointer);
        assertThat(words.objects()).isEqualTo(before);
    }

    @Test
    void a_database_without_a_version_has_nothing_to_collect() {
        assertThat(words.collect().verdicts()).isEmpty();
        words.uploaded(new Live.None(), "b/0");
        assertThat(fates(words.collect().verdicts())).containsValue(Fate.MAY_WIN);
        assertThat(words.there()).hasSize(1);
    }

    @Test
    void a_plan_writes_nothing() {
        words.publish("b/0");
        words.publish("b/1");
        var before = words.objects();

        assertThat(fates(words.collector(1, Duration.ZERO).plan())).containsValue(Fate.DEAD);
        assertThat(words.objects()).isEqualTo(before);
    }

    @Test
    void the_manifest_goes_before_everything_else() {
        String old = words.publish("b/0");
        words.publish("b/1");
        var deleted = new ArrayList<String>();
        words.store.onCall(call -> {
            if (call.kind() == Kind.DELETE) {
                deleted.add(call.key());
            }
        });

        words.collect();

        assertThat(deleted)
                .containsExactly(Versions.FOLDER + old + "/manifest.json", Versions.FOLDER + old + "/segment/data.bin");
    }

    @Test
    void a_crash_between_any_two_calls_leaves_work_and_nothing_else() {
        int calls = 0;
        for (int at = 1; ; at++) {
            var database = new Versions();
            var dead = List.of(database.publish("b/0"), database.publish("b/1"));
            String pinned = database.publish("b/2");
            database.pins.pin(database.pin(pinned));
            String live = database.publish("b/3");
            String mayWin = database.uploaded(database.live(), "b/4").version();

            boolean killed = Killed.at(at, database.store, database::collect);
            assertThat(database.live().version()).as("killed at %s", at).isEqualTo(live);
            assertThat(List.of(live, pinned, mayWin))
                    .as("killed at %s", at)
                    .allSatisfy(each -> assertThat(database.whole(each)).isTrue());
            database.collect();

            assertThat(database.there()).as("killed at %s", at).containsExactlyInAnyOrder(live, pinned, mayWin);
            assertThat(new DoomList(database.store, "words").versions())
                    .as("killed at %s", at)
                    .isEmpty();
            assertThat(dead).noneMatch(database.there()::contains);
            if (!killed) {
                calls = at;
                break;
            }
        }
        assertThat(calls).isGreaterThan(15);
    }

    @Test
    void told_to_stop_it_stops_between_two_versions_and_the_next_run_goes_on() {
        words.publish("b/0");
        words.publish("b/1");
        words.publish("b/2");

        assertReason(
                () -> words.collector(1, Duration.ZERO).collect((_, done, of) -> {
                    assertThat(of).isEqualTo(2);
                    assertThat(done).isEqualTo(1);
                    Thread.currentThread().interrupt();
                }),
                "interrupted");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(words.there()).hasSize(2);
        assertThat(words.collect().deleted()).hasSize(1);
    }

    private static void assertReason(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String reason) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(reason));
    }
}
