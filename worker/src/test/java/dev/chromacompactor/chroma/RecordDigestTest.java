package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class RecordDigestTest {
    private static Entry.Live live(int number) {
        return new Entry.Live(
                new float[] {number, -number}, "text " + number, Map.of("n", new MetadataValue.Whole(number)));
    }

    private static RecordDigest of(int from, int to) {
        var digest = new RecordDigest();
        for (int number = from; number < to; number++) {
            digest.add("words", "id " + number, live(number));
        }
        return digest;
    }

    @Test
    void taking_a_record_away_leaves_the_digest_of_the_others() {
        var digest = of(0, 100);
        for (int number = 0; number < 40; number++) {
            digest.subtract("words", "id " + number, live(number));
        }

        assertThat(digest.value())
                .isEqualTo(of(40, 100).value())
                .isNotEqualTo(of(39, 100).value());
    }

    @Test
    void two_halves_add_up_to_the_whole() {
        var digest = of(0, 50);
        digest.add(of(50, 100));

        assertThat(digest.value()).isEqualTo(of(0, 100).value());
    }

    @Test
    void continues_from_a_value_that_was_written_down() {
        var digest = RecordDigest.from(of(0, 99).value());
        digest.add("words", "id 99", live(99));

        assertThat(digest.value()).isEqualTo(of(0, 100).value());
    }
}
