package dev.chromacompactor.compaction;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {
    @TempDir
    Path scratch;

    @Test
    void the_budget_is_what_this_process_has() throws Exception {
        Path jobs = Files.createDirectory(scratch.resolve("jobs"));
        var disk = Files.getFileStore(jobs);

        Footprint total = Budget.ofMachine(scratch, jobs, null).total();

        assertThat(total.disk()).isPositive().isLessThan(disk.getTotalSpace());
        assertThat(total.heap()).isPositive().isLessThan(Runtime.getRuntime().maxMemory());
        assertThat(total.offHeap()).isPositive();
    }

    @Test
    void what_lies_in_the_scratch_directory_belongs_to_workers_and_will_be_free() throws Exception {
        Path jobs = Files.createDirectory(scratch.resolve("jobs"));
        var sizes = Machine.sizeBelow(scratch);
        Files.write(
                Files.createDirectories(scratch.resolve("worker-7/jobs/chunk-1"))
                        .resolve("file"),
                new byte[5000]);
        Files.write(jobs.resolve("mine"), new byte[70]);

        assertThat(sizes).isZero();
        assertThat(Machine.sizeBelow(scratch)).isEqualTo(5070);
        assertThat(Machine.sizeBelow(jobs)).isEqualTo(70);
        assertThat(Machine.sizeBelow(scratch.resolve("gone"))).isZero();
    }

    @Test
    void a_limit_is_kept_to() throws Exception {
        Path jobs = Files.createDirectory(scratch.resolve("jobs"));

        assertThat(Budget.ofMachine(scratch, jobs, 1L << 20).total().disk()).isEqualTo(1L << 20);
    }
}
