package dev.chromacompactor.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.MemoryObjectStore.Call;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;

/** A pin that was accepted holds, whatever collectors do at the same time. */
class PinRaceTest {
    /** What pins and collectors see of one another; what happens between two of these is nobody else's concern. */
    private static boolean matters(Call call) {
        return call.key().equals(Versions.DOOM_LIST)
                || call.key().startsWith(Versions.PINS)
                || call.key().endsWith("/manifest.json");
    }

    private static final class Race {
        private final Versions words = new Versions();
        private final String old = words.publish("b/0");
        private int accepted;

        Race() {
            words.publish("b/1");
        }

        void pin() {
            try {
                words.pins.pin(words.pin(old));
                accepted++;
            } catch (FailureException e) {
                assertThat(e.failure().reason()).isIn("version-doomed", "version-unknown");
            }
        }

        /** @return how many pins were accepted */
        int run(IntUnaryOperator schedule, int people, int collectors) {
            var work = new ArrayList<Runnable>(Collections.nCopies(people, (Runnable) this::pin));
            for (int i = 0; i < collectors; i++) {
                work.add(words::collect);
            }
            new Interleaving(words.store, PinRaceTest::matters).run(schedule, work);
            assertThat(accepted == 0 || words.whole(old)).isTrue();
            if (words.whole(old)) {
                // Spared for a pin, if only for one that was refused.
                assertThat(words.pins.versions()).containsExactly(old);
                words.collect();
                assertThat(words.whole(old)).isTrue();
            } else {
                assertThat(words.pins.versions()).isEmpty();
                words.collect();
                assertThat(words.there()).doesNotContain(old);
            }
            assertThat(new DoomList(words.store, "words").versions()).isEmpty();
            return accepted;
        }
    }

    @Test
    void in_every_order_of_their_calls_a_pin_is_refused_or_holds() {
        var schedules = new Interleaving.Schedules();
        int accepted = 0;
        int refused = 0;
        do {
            int pins = new Race().run(schedules, 1, 1);
            accepted += pins;
            refused += 1 - pins;
        } while (schedules.next());
        assertThat(accepted).isGreaterThan(20);
        assertThat(refused).isGreaterThan(20);
    }

    @Test
    void with_two_collectors_as_well() {
        var random = new Random(20261124);
        int accepted = 0;
        for (int round = 0; round < 600; round++) {
            accepted += new Race().run(random::nextInt, 1, 2);
        }
        assertThat(accepted).isBetween(20, 580);
    }

    @Test
    void of_two_people_who_pin_at_once_the_one_that_is_refused_does_not_take_the_others_pin_away() {
        var random = new Random(20261124);
        int one = 0;
        for (int round = 0; round < 600; round++) {
            one += new Race().run(random::nextInt, 2, 1) == 1 ? 1 : 0;
        }
        assertThat(one).isPositive();
    }

    /** With one list for all, the second collector would take the first one's word back, and this pin would not hold. */
    @Test
    void a_collector_that_spares_a_pinned_version_does_not_speak_for_one_that_looked_before() {
        var words = new Versions();
        String old = words.publish("b/0");
        words.publish("b/1");
        words.store.onCall(call -> {
            if (call.kind() == Kind.DELETE) {
                // The first has looked at the pins and found none. The second finds one that comes right now.
                pinWhenDoomed(words, old);
                assertThat(words.collect().deleted()).isEmpty();
                assertThatThrownBy(() -> words.pins.pin(words.pin(old))).hasMessageContaining("about to be collected");
            }
        });

        assertThat(words.collect().deleted()).containsExactly(old);

        assertThat(words.there()).doesNotContain(old);
    }

    private static void pinWhenDoomed(Versions words, String version) {
        words.store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_MATCH && call.key().equals(Versions.DOOM_LIST)) {
                words.store.onCall(_ -> {});
                words.store.put(Versions.PINS + version, new byte[0]);
            }
        });
    }

    @Test
    void a_refused_pin_leaves_another_ones_pin_alone() {
        var words = new Versions();
        String old = words.publish("b/0");
        words.publish("b/1");
        assertThat(words.pins.pin(words.pin(old))).isTrue();
        assertThat(words.pins.pin(new Pins.Pin(old, "me too", null, words.store.now())))
                .isFalse();
        assertThat(words.pins.read(old).orElseThrow().reason()).isEqualTo("a test");
        var _ = new DoomList(words.store, "words").add(List.of(old), words.store.now());

        assertThatThrownBy(() -> words.pins.pin(words.pin(old))).hasMessageContaining("if it is still there");

        assertThat(words.pins.versions()).containsExactly(old);
    }

    @Test
    void what_is_no_whole_version_of_ours_cannot_be_pinned() {
        var words = new Versions();
        String old = words.publish("b/0");
        words.store.delete(List.of(Versions.FOLDER + old + "/segment/data.bin"));

        for (String version : List.of(old, "20251115_171818")) {
            assertThatThrownBy(() -> words.pins.pin(words.pin(version))).hasMessageContaining(version);
            assertThat(words.pins.versions()).isEmpty();
        }
    }

    @Test
    void a_pin_whose_answer_was_lost_is_a_pin() {
        var words = new Versions();
        String old = words.publish("b/0");
        words.store.fail(Kind.PUT_IF_ABSENT, Versions.PINS + old, Fault.ANSWER_LOST);

        assertThat(words.pins.pin(words.pin(old))).isTrue();
        assertThat(words.pins.versions()).containsExactly(old);
    }

    @Test
    void a_doom_list_whose_answers_are_lost_is_settled_by_looking() {
        for (Kind kind : List.of(Kind.PUT_IF_ABSENT, Kind.PUT_IF_MATCH)) {
            for (Fault fault : List.of(Fault.ANSWER_LOST, Fault.CONFLICT, Fault.PRECONDITION_FAILED)) {
                var words = new Versions();
                String old = words.publish("b/0");
                words.publish("b/1");
                words.store.fail(kind, Versions.DOOM_LIST, fault);

                assertThat(words.collect().deleted()).containsExactly(old);
                assertThat(new DoomList(words.store, "words").versions()).isEmpty();
            }
        }
    }

    @Test
    void two_collectors_of_the_same_versions_are_as_good_as_one() {
        var words = new Versions();
        for (int i = 0; i < 4; i++) {
            words.publish("b/" + i);
        }
        String live = words.live().version();
        var random = new Random(4);
        new Interleaving(words.store, _ -> true)
                .run(
                        random::nextInt,
                        List.of(
                                words::collect,
                                () -> words.collector(1, Duration.ZERO).collect((_, _, _) -> {})));

        assertThat(words.there()).containsExactly(live);
        assertThat(words.whole(live)).isTrue();
        assertThat(new DoomList(words.store, "words").versions()).isEmpty();
    }
}
