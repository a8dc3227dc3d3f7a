package dev.chromacompactor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TransfersTest {
    private static final int AT_ONCE = 8;

    @Test
    void results_come_in_the_order_of_the_items() {
        List<Integer> items = IntStream.range(0, 100).boxed().toList();

        assertThat(Transfers.each(items, item -> "object " + item))
                .isEqualTo(items.stream().map(item -> "object " + item).toList());
    }

    @Test
    void they_run_side_by_side_but_never_more_than_a_few() {
        var allThere = new CountDownLatch(AT_ONCE);
        var running = new AtomicInteger();
        var most = new AtomicInteger();

        Transfers.each(IntStream.range(0, 5 * AT_ONCE).boxed().toList(), item -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            allThere.countDown();
            await(allThere); // hangs unless as many are let in
            return running.decrementAndGet();
        });

        assertThat(most).hasValue(AT_ONCE);
    }

    @Test
    void the_first_item_that_failed_is_the_one_that_is_named() {
        assertThatThrownBy(() -> Transfers.each(List.of(1, 2, 3, 4), item -> {
                    if (item % 2 == 0) {
                        throw FailureException.input("delta-missing", "item " + item);
                    }
                    return item;
                }))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("item 2");
    }

    @Test
    void a_result_is_handed_over_while_the_later_ones_are_under_way() {
        var firstIsHere = new CountDownLatch(1);
        var handedOver = new ArrayList<Integer>();

        Transfers.each(
                List.of(1, 2),
                item -> {
                    if (item == 2) {
                        await(firstIsHere); // hangs unless the first one is handed over before
                    }
                    return item;
                },
                item -> {
                    handedOver.add(item);
                    firstIsHere.countDown();
                });

        assertThat(handedOver).containsExactly(1, 2);
    }

    @Test
    void whoever_cannot_use_a_result_gets_no_more_of_them() {
        var handedOver = new ArrayList<Integer>();

        assertThatThrownBy(() -> Transfers.each(
                        List.of(1, 2),
                        item -> {
                            if (item == 2) {
                                await(new CountDownLatch(1));
                            }
                            return item;
                        },
                        item -> {
                            handedOver.add(item);
                            throw FailureException.input("sqlite-corrupt", "item " + item);
                        }))
                .hasMessageContaining("item 1");

        assertThat(handedOver).containsExactly(1);
    }

    @Test
    void a_failure_ends_what_is_under_way() {
        var started = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);

        assertThatThrownBy(() -> Transfers.each(List.of("bad", "slow"), item -> {
                    if (item.equals("bad")) {
                        await(started);
                        throw FailureException.input("delta-missing", item);
                    }
                    started.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.countDown();
                    }
                    return item;
                }))
                .hasMessageContaining("bad");

        assertThat(interrupted.getCount()).isZero();
    }

    @Test
    void whoever_is_told_to_stop_stops_his_transfers() {
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> Transfers.each(List.of("a"), item -> {
                        await(new CountDownLatch(1));
                        return item;
                    }))
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().reason()).isEqualTo("interrupted"));
        } finally {
            assertThat(Thread.interrupted()).as("stays told").isTrue();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
