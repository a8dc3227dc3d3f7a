package dev.chromacompactor.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.store.MemoryObjectStore;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PausesTest {
    private static final Instant NOON = Instant.parse("2026-11-24T12:00:00Z");

    private Instant now = NOON;
    private final MemoryObjectStore store = new MemoryObjectStore("bucket");
    private final Pauses pauses = new Pauses(store, () -> now);

    private static Pause until(Instant end) {
        return new Pause("labels are being written", "ada", NOON, end);
    }

    private PausedException refusal(String database) {
        try {
            pauses.requireNone(database);
        } catch (PausedException e) {
            return e;
        }
        throw new AssertionError(database + " is not paused");
    }

    @Test
    void a_pause_lies_where_operators_look_for_it_and_is_plain_json() {
        pauses.write(null, new Pause("bucket moves", "ada", NOON, null));
        pauses.write("words", until(NOON.plusSeconds(60)));
        assertThat(new String(store.read("control/pause.json").orElseThrow().bytes(), UTF_8))
                .isEqualTo("{\"reason\":\"bucket moves\",\"by\":\"ada\",\"since\":\"2026-11-24T12:00:00Z\"}");
        assertThat(new String(
                        store.read("words/control/pause.json").orElseThrow().bytes(), UTF_8))
                .contains("\"until\":\"2026-11-24T12:01:00Z\"");
        assertThat(pauses.read("words")).contains(until(NOON.plusSeconds(60)));
    }

    @Test
    void a_database_that_is_paused_does_not_publish_and_others_do() {
        pauses.write("words", until(NOON.plusSeconds(60)));
        assertThat(refusal("words"))
                .hasMessageContaining("words/control/pause.json")
                .hasMessageContaining("labels");
        assertThatCode(() -> pauses.requireNone("lines")).doesNotThrowAnyException();
        assertThat(pauses.holding(null)).isEmpty();
    }

    @Test
    void when_everything_is_paused_no_database_publishes() {
        pauses.write(null, new Pause("bucket moves", null, null, null));
        assertThat(refusal("words").failure().reason()).isEqualTo("publishing-paused");
    }

    @Test
    void a_pause_ends_by_itself_at_the_very_moment() {
        pauses.write("words", until(NOON.plusSeconds(60)));
        now = NOON.plusSeconds(60).minusNanos(1);
        assertThat(pauses.holding("words")).isPresent();
        now = NOON.plusSeconds(60);
        assertThat(pauses.holding("words")).isEmpty();
        assertThat(pauses.read("words")).isPresent();
        assertThatCode(() -> pauses.requireNone("words")).doesNotThrowAnyException();
    }

    @Test
    void a_pause_that_is_removed_is_gone() {
        pauses.write("words", until(NOON.plusSeconds(60)));
        pauses.remove("words");
        assertThatCode(() -> pauses.requireNone("words")).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "paused",
                "{",
                "[]",
                "{}",
                "{\"reason\":null}",
                "{\"reason\":\"x\",\"until\":\"tomorrow\"}",
                "{\"reason\":\"x\",\"until\":12}"
            })
    void an_object_that_cannot_be_read_is_a_pause_without_an_end_and_says_so(String body) {
        store.put("control/pause.json", body.getBytes(UTF_8));
        now = NOON.plus(Duration.ofDays(3650));
        assertThat(pauses.holding(null)).hasValueSatisfying(pause -> {
            assertThat(pause.readable()).isFalse();
            assertThat(pause.until()).isNull();
            assertThat(pause.reason()).contains("cannot be read", "control/pause.json");
        });
        assertThatThrownBy(() -> pauses.requireNone("words")).isInstanceOf(PausedException.class);
    }

    @Test
    void what_others_add_to_the_object_is_ignored() {
        store.put("control/pause.json", "{\"reason\":\"x\",\"ticket\":12}".getBytes(UTF_8));
        assertThat(pauses.holding(null)).contains(new Pause("x", null, null, null));
    }

    @Test
    void what_is_put_off_comes_again_right_after_the_end_of_the_pause() {
        pauses.write("words", until(NOON.plusSeconds(3600)));
        assertThat(refusal("words").delay(NOON, 1)).isEqualTo(Duration.ofSeconds(3601));
        assertThat(refusal("words").delay(NOON, 9)).isEqualTo(Duration.ofSeconds(3601));
        pauses.write("words", until(NOON.plus(Duration.ofDays(3))));
        assertThat(refusal("words").delay(NOON, 1)).isEqualTo(Duration.ofHours(6));
    }

    @Test
    void without_an_end_it_comes_later_and_later_so_that_the_receives_last_for_days() {
        pauses.write("words", new Pause("x", null, null, null));
        var paused = refusal("words");
        assertThat(paused.delay(NOON, 1)).isEqualTo(Duration.ofMinutes(1));
        assertThat(paused.delay(NOON, 4)).isEqualTo(Duration.ofMinutes(8));
        assertThat(paused.delay(NOON, 1000)).isEqualTo(Duration.ofHours(6));
        var all = Duration.ZERO;
        for (int receives = 1; receives <= 20; receives++) {
            all = all.plus(paused.delay(NOON, receives));
        }
        assertThat(all).isGreaterThan(Duration.ofDays(3));
    }
}
