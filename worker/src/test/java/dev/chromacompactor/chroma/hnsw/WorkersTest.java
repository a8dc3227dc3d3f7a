package dev.chromacompactor.chroma.hnsw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@NullUnmarked
class WorkersTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void every_piece_is_done_once_by_a_worker_of_the_crew(int threads) {
        var done = new AtomicIntegerArray(100);

        new Workers(threads).each(100, (piece, worker) -> {
            assertThat(worker).isBetween(0, threads - 1);
            done.incrementAndGet(piece);
        });

        for (int piece = 0; piece < 100; piece++) {
            assertThat(done.get(piece)).isOne();
        }
    }

    @Test
    void what_one_worker_throws_stops_the_others_and_reaches_the_caller() {
        var others = new CountDownLatch(1);
        var done = new AtomicIntegerArray(1);
        // So many that the other cannot do them all before this one gets to throw.
        int pieces = 1 << 30;

        assertThatThrownBy(() -> new Workers(2).each(pieces, (piece, _) -> {
                    done.incrementAndGet(0);
                    if (piece == 0) {
                        others.countDown();
                        throw new IllegalStateException("piece 0");
                    }
                    await(others);
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("piece 0");
        assertThat(done.get(0)).isLessThan(pieces);
    }

    @Test
    void an_interrupt_of_the_caller_is_told_and_kept() {
        // By whoever comes first: the caller may find no piece left.
        Thread caller = Thread.currentThread();
        assertThatThrownBy(() -> new Workers(2).each(50, (piece, worker) -> caller.interrupt()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo("interrupted"));
        assertThat(Thread.interrupted()).isTrue();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
