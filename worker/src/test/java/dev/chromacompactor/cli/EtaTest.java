package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class EtaTest {
    private static final Instant START = Instant.parse("2026-11-24T08:00:00Z");

    private final Eta eta = new Eta();

    @Test
    void without_a_chunk_more_than_at_the_beginning_there_is_no_rate() {
        assertThat(eta.left(START, 10)).isEmpty();
        eta.saw(START, 4);
        assertThat(eta.left(START.plusSeconds(60), 10)).isEmpty();
    }

    @Test
    void what_was_done_before_anybody_looked_counts_for_no_rate() {
        eta.saw(START, 4);
        eta.saw(START.plusSeconds(40), 6);

        assertThat(eta.left(START.plusSeconds(40), 10)).contains(Duration.ofSeconds(80));
    }

    @Test
    void a_stall_makes_it_longer() {
        eta.saw(START, 0);
        eta.saw(START.plusSeconds(10), 5);
        eta.saw(START.plusSeconds(100), 5);

        assertThat(eta.left(START.plusSeconds(100), 10)).contains(Duration.ofSeconds(100));
    }

    @Test
    void it_is_spelt_in_the_unit_that_a_person_would_use() {
        assertThat(Eta.words(Duration.ofMillis(10))).isEqualTo("1 s");
        assertThat(Eta.words(Duration.ofSeconds(59))).isEqualTo("59 s");
        assertThat(Eta.words(Duration.ofSeconds(130))).isEqualTo("2 min");
        assertThat(Eta.words(Duration.ofMinutes(200))).isEqualTo("3 h 20 min");
    }
}
