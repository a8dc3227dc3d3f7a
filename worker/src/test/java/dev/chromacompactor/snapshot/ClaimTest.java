package dev.chromacompactor.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Who publishes says so, and nobody has to wait long for one who does not any more. */
class ClaimTest {
    private Instant now = Instant.parse("2026-11-24T08:00:00Z");
    private final MemoryObjectStore store = new MemoryObjectStore("bucket", () -> now);

    private Claim claim(String what) {
        return new Claim(store, "words", what);
    }

    private static boolean take(Claim claim) {
        return claim.take(() -> {});
    }

    private void seconds(long seconds) {
        now = now.plusSeconds(seconds);
    }

    @Test
    void one_has_it_until_he_gives_it_back() {
        var second = claim("second");
        try (var first = claim("first")) {
            assertThat(take(first)).isTrue();
            assertThat(take(second)).isFalse();
            assertThat(second.taken()).isFalse();
            assertThat(take(new Claim(store, "lines", "another database"))).isTrue();
        }
        assertThat(take(second)).isTrue();
    }

    @Test
    void of_one_who_died_it_is_free_after_ten_seconds_by_the_clock_of_the_store() {
        assertThat(take(claim("dies"))).isTrue();
        seconds(9);
        assertThat(take(claim("too early"))).isFalse();
        seconds(3);
        assertThat(take(claim("next"))).isTrue();
    }

    @Test
    void who_is_at_it_for_long_keeps_it_by_saying_so() {
        var slow = claim("slow");
        assertThat(take(slow)).isTrue();
        for (int i = 0; i < 5; i++) {
            seconds(8);
            slow.renew();
            assertThat(take(claim("other"))).isFalse();
        }
    }

    @Test
    void who_slept_through_the_end_of_his_neither_keeps_nor_gives_back_that_of_another() {
        var sleeper = claim("sleeper");
        assertThat(take(sleeper)).isTrue();
        seconds(20);
        assertThat(take(claim("next"))).isTrue();
        sleeper.renew();
        sleeper.close();
        assertThat(take(claim("third"))).isFalse();
    }

    @Test
    void of_two_who_find_it_free_one_gets_it() {
        var faster = claim("faster");
        assertThat(claim("slower").take(() -> assertThat(take(faster)).isTrue()))
                .isFalse();
        faster.close();
        var another = claim("another");
        assertThat(claim("slower").take(() -> {
                    assertThat(take(another)).isTrue();
                    another.close();
                }))
                .as("had and given back in between: a version may be there now")
                .isFalse();
    }

    @Test
    void without_an_answer_nobody_waits_for_nobody() {
        store.fail(Kind.PUT_IF_ABSENT, "words/snapshot/claim.json", Fault.SLOW_DOWN);
        var unsure = claim("unsure");
        assertThat(take(unsure)).isTrue();
        unsure.close();
        assertThat(store.list("words/snapshot/")).isEmpty();
    }

    @Test
    void what_cannot_be_read_holds_nobody_up() {
        store.put("words/snapshot/claim.json", "?".getBytes(StandardCharsets.UTF_8));
        assertThat(take(claim("next"))).isTrue();
    }
}
