package dev.chromacompactor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class InputStampTest {
    private static final String DELTA = "words/delta/b-0/";

    @Test
    void the_time_comes_from_the_content() {
        assertThat(stamp(null, OptionalLong.of(50), 100).millis()).isEqualTo(50);
    }

    @Test
    void a_producer_whose_clock_runs_ahead_is_held_back_by_the_stores() {
        assertThat(stamp(null, OptionalLong.of(500), 100).millis()).isEqualTo(100);
        assertThat(stamp(500L, OptionalLong.of(50), 100).millis()).isEqualTo(100);
    }

    @Test
    void a_declared_time_goes_before_the_one_inside() {
        assertThat(stamp(70L, OptionalLong.of(50), 100).millis()).isEqualTo(70);
    }

    @Test
    void without_any_other_the_time_is_when_the_store_saw_it() {
        assertThat(stamp(null, OptionalLong.empty(), 100).millis()).isEqualTo(100);
    }

    @Test
    void ties_fall_back_to_the_order_of_the_list_then_to_the_key() {
        var first = InputStamp.of(null, OptionalLong.of(50), 100, 0, 9, "z", "e");
        var second = InputStamp.of(null, OptionalLong.of(50), 100, 1, 0, "a", "e");
        var third = InputStamp.of(null, OptionalLong.of(50), 100, 1, 0, "b", "e");

        assertThat(Stream.of(third, second, first).sorted()).containsExactly(first, second, third);
        assertThat(second.position()).isEqualTo(1 << 20);
    }

    @Test
    void a_repaired_delta_keeps_the_time_of_its_first_sight() {
        Plan plan = Fixture.plan("b", Policy.PUBLISH, 2);
        Receipt receipt = Fixture.failed("b", 0);

        assertThat(InputStamp.pinned(plan, receipt, 0, DELTA, 999))
                .as("the plan's")
                .isEqualTo(100);
        assertThat(InputStamp.pinned(null, receipt, 0, DELTA, 999))
                .as("the receipt's")
                .isEqualTo(100);
        assertThat(InputStamp.pinned(plan, null, 1, DELTA, 999))
                .as("not of this chunk")
                .isEqualTo(999);
        assertThat(InputStamp.pinned(null, null, 0, DELTA, 999))
                .as("listed now")
                .isEqualTo(999);
    }

    private static InputStamp stamp(@Nullable Long declared, OptionalLong inside, long lastModified) {
        return InputStamp.of(declared, inside, lastModified, 0, 0, DELTA, "e");
    }
}
