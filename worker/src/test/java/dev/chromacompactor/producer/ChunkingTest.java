package dev.chromacompactor.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ChunkingTest {
    private static List<List<Long>> chunks(int deltas, long bytes, long... sizes) {
        return new Chunking(deltas, bytes, 0)
                .chunks(LongStream.of(sizes).boxed().toList(), Long::longValue);
    }

    @Test
    void a_chunk_ends_at_so_many_deltas_or_before_so_many_bytes_and_the_order_stays() {
        assertThat(chunks(3, 100, 10, 20, 30, 40)).containsExactly(List.of(10L, 20L, 30L), List.of(40L));
        assertThat(chunks(9, 100, 60, 40, 1, 99, 2)).containsExactly(List.of(60L, 40L), List.of(1L, 99L), List.of(2L));
        assertThat(chunks(9, 100)).isEmpty();
    }

    @Test
    void a_delta_larger_than_the_limit_is_a_chunk_of_its_own() {
        assertThat(chunks(9, 100, 5, 500, 0, 7, Long.MAX_VALUE, 8))
                .containsExactly(List.of(5L), List.of(500L), List.of(0L, 7L), List.of(Long.MAX_VALUE), List.of(8L));
    }

    @Test
    void small_batches_have_no_groups_and_those_of_larger_ones_are_even() {
        var chunking = Chunking.DEFAULT;
        assertThat(chunking.groups(32)).isEmpty();
        assertThat(chunking.groups(33)).extracting(List::size).containsExactly(11, 11, 11);
        assertThat(chunking.withGroup(0).groups(10_000)).isEmpty();
        assertThat(chunking.withGroup(2).groups(5)).containsExactly(List.of(0), List.of(1, 2), List.of(3, 4));
    }

    @Test
    void each_chunk_is_in_one_group_and_no_group_is_too_large() {
        for (int chunks = 33; chunks < 400; chunks++) {
            var groups = Chunking.DEFAULT.groups(chunks);
            assertThat(groups.stream().flatMap(List::stream))
                    .containsExactlyElementsOf(
                            IntStream.range(0, chunks).boxed().toList());
            assertThat(groups).allSatisfy(group -> assertThat(group).hasSizeBetween(9, 16));
        }
    }

    @Test
    void chunks_that_hold_nothing_are_refused() {
        assertThatThrownBy(() -> new Chunking(0, 1, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Chunking(1, 0, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
