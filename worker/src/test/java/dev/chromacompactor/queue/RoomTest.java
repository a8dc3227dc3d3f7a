package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class RoomTest {
    private static final Duration NOW = Duration.ZERO;

    private final Room room = new Room(2);

    private int take(int most) throws InterruptedException {
        int taken = room.take(most, NOW);
        room.received(taken);
        return taken;
    }

    private void jobs(int count, Duration each) {
        for (int i = 0; i < count; i++) {
            room.ended(each);
        }
    }

    @Test
    void nothing_is_fetched_ahead_as_long_as_nobody_knows_how_long_jobs_take() throws Exception {
        assertThat(take(10)).isEqualTo(2);
        assertThat(take(10)).isZero();
    }

    @Test
    void what_will_begin_within_a_second_is_fetched_ahead_but_never_more_than_a_few_receives() throws Exception {
        jobs(1, Duration.ofMillis(500));
        assertThat(take(10)).isEqualTo(6);

        jobs(100, Duration.ofMillis(1));
        int all = 6;
        for (int i = 0; i < 20; i++) {
            all += take(10);
        }
        assertThat(all).isBetween(2 + Room.MOST_AHEAD - 9, 2 + Room.MOST_AHEAD);
    }

    @Test
    void one_long_job_ends_it() throws Exception {
        jobs(100, Duration.ofMillis(1));
        room.ended(Duration.ofMinutes(1));

        assertThat(take(10)).isEqualTo(2);
        assertThat(take(10)).isZero();
    }

    @Test
    void as_long_as_something_waits_only_full_receives_are_worth_it() throws Exception {
        jobs(1, Duration.ofMillis(125)); // 16 ahead
        assertThat(take(10)).isEqualTo(10);
        assertThat(take(10)).as("eight are free").isZero();
        room.give(2);
        assertThat(take(10)).isEqualTo(10);
    }

    @Test
    void a_slot_that_nothing_waits_for_is_filled_at_once() throws Exception {
        assertThat(take(10)).isEqualTo(2);
        room.begun();
        room.begun();
        room.give(1);
        assertThat(take(10)).isEqualTo(1);
    }

    @Test
    void who_waits_is_woken_by_room_and_by_the_end() throws Exception {
        assertThat(take(10)).isEqualTo(2);
        room.begun();
        room.begun();
        var got = new AtomicInteger(-1);
        var first = new CountDownLatch(1);
        var waiting = Thread.ofVirtual().start(() -> {
            try {
                got.set(room.take(10, Duration.ofMinutes(1)));
                first.countDown();
                room.received(1);
                got.set(room.take(10, Duration.ofMinutes(1)));
            } catch (InterruptedException e) {
                got.set(-2);
            }
        });
        room.give(1);
        first.await();
        assertThat(got).hasValue(1);
        room.close();
        waiting.join();
        assertThat(got).hasValue(0);
        assertThat(room.takeFull()).isZero();
    }

    @Test
    void while_letters_are_on_their_way_others_have_the_places_of_their_messages() throws Exception {
        assertThat(take(10)).isEqualTo(2);
        room.lend();
        room.begun();
        room.begun();

        assertThat(take(10)).isEqualTo(1);

        room.give(1);
        room.back();
        assertThat(take(10)).isZero();
    }

    @Test
    void places_of_letters_do_not_break_up_receives_that_are_full_otherwise() throws Exception {
        jobs(1, Duration.ofMillis(250)); // 8 ahead
        assertThat(take(10)).isEqualTo(10);
        for (int i = 0; i < 10; i++) {
            room.begun();
        }
        for (int i = 0; i < 9; i++) {
            room.lend();
            assertThat(take(10)).isZero();
        }

        room.lend();
        assertThat(take(10)).isEqualTo(10);
    }

    @Test
    void however_many_letters_do_not_go_only_so_many_places_are_lent() throws Exception {
        int held = 0;
        for (int i = 0; i < 2 * Room.MOST_LENT; i++) {
            room.lend();
        }

        for (int i = 0; i < 2 * Room.MOST_LENT; i++) {
            int taken = take(1);
            held += taken;
            for (int job = 0; job < taken; job++) {
                room.begun();
            }
        }
        assertThat(held).isEqualTo(2 + Room.MOST_LENT);
    }
}
