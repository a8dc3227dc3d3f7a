package dev.chromacompactor.compaction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class CostModelTest {
    private static final long RECORD = 6_400;

    private static CostModel.Input of(long records) {
        return new CostModel.Input(records * RECORD, records);
    }

    @Test
    void linking_takes_memory_for_each_new_record_whatever_the_base_holds() {
        long few = CostModel.publish(List.of(of(50_000)), of(1_000_000)).offHeap();
        long many = CostModel.publish(List.of(of(50_000), of(100_000)), of(1_000_000))
                .offHeap();
        long base = CostModel.publish(List.of(of(50_000)), of(2_000_000)).offHeap();

        assertThat(many - few).isEqualTo(260_000_000);
        assertThat(base).isEqualTo(few);
    }

    @Test
    void linking_more_records_than_memory_is_meant_for_takes_disk_instead() {
        long bytes = 2_000_000 * RECORD;
        var million = CostModel.publish(List.of(new CostModel.Input(bytes, 1_000_000)), CostModel.Input.NOTHING);
        var two = CostModel.publish(List.of(new CostModel.Input(bytes, 2_000_000)), CostModel.Input.NOTHING);

        assertThat(two.offHeap()).isEqualTo(million.offHeap()).isLessThan(1L << 30);
        assertThat(two.disk() - million.disk()).isEqualTo((2_600L + 800) * 1_000_000);
    }

    @Test
    void what_lies_beside_the_index_takes_disk_for_each_record_old_or_new() {
        var counted = CostModel.publish(List.of(of(10_000)), of(90_000));
        var same = CostModel.publish(
                List.of(new CostModel.Input(10_000 * RECORD, 0)), new CostModel.Input(90_000 * RECORD, 0));

        assertThat(counted.disk() - same.disk()).isEqualTo(80_000_000);
    }

    @Test
    void beside_the_index_of_small_vectors_lies_no_more_than_they_take_themselves() {
        var small = CostModel.publish(List.of(new CostModel.Input(5_000_000, 100_000)), CostModel.Input.NOTHING);
        var same = CostModel.publish(List.of(new CostModel.Input(5_000_000, 0)), CostModel.Input.NOTHING);

        assertThat(small.disk() - same.disk()).isEqualTo(5_000_000);
    }

    @Test
    void a_record_of_a_base_of_ours_takes_a_quarter_of_the_heap_that_one_of_any_other_takes() {
        long nothing = CostModel.publish(List.of(), CostModel.Input.NOTHING).heap();
        long ours = CostModel.publish(List.of(), of(100_000)).heap() - nothing;
        long folded =
                CostModel.publish(List.of(of(100_000)), CostModel.Input.NOTHING).heap() - nothing;
        long typical = CostModel.publish(List.of(), CostModel.Input.uncounted(100_000L * 4_096))
                        .heap()
                - nothing;

        assertThat(folded).isEqualTo(typical).isEqualTo(4 * ours);
    }

    @Test
    void a_group_links_nothing() {
        var group = CostModel.group(List.of(of(100_000)));
        var same = CostModel.group(List.of(new CostModel.Input(100_000 * RECORD, 0)));

        assertThat(group.offHeap()).isEqualTo(same.offHeap());
        assertThat(group.disk()).isEqualTo(same.disk());
    }
}
