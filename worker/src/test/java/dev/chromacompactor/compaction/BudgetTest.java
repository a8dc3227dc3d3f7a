package dev.chromacompactor.compaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs share what there is: never more, nobody starves, and all of it comes back. */
@Timeout(60)
class BudgetTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Duration SHORT = Duration.ofMillis(30);

    @TempDir
    Path directory;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private static Footprint disk(long bytes) {
        return new Footprint(bytes, 0, 0);
    }

    /** A disk on which other processes leave so much, and on which jobs write all they reserve at once. */
    private static final class Shared implements Budget.Disk {
        final AtomicLong free = new AtomicLong(Long.MAX_VALUE / 2);

        @Override
        public long free() {
            return free.get();
        }

        @Override
        public long written() {
            return Long.MAX_VALUE;
        }
    }

    private Budget budget(Footprint total, Duration patience) {
        return new Budget(directory, total, new Shared(), patience);
    }

    private Budget budget(long disk) {
        return budget(disk(disk), LONG);
    }

    private static Scratch job(Budget budget, long disk) {
        Scratch scratch = budget.scratch("job", "this job");
        try {
            scratch.reserve(disk(disk));
            return scratch;
        } catch (FailureException e) {
            scratch.close();
            throw e;
        }
    }

    private Future<Scratch> begin(Budget budget, long disk) {
        int before = budget.waiting();
        Future<Scratch> begun = threads.submit(() -> job(budget, disk));
        await().until(() -> begun.isDone() || budget.waiting() > before);
        return begun;
    }

    private static Failure failure(Callable<?> call) {
        return catchThrowableOfType(FailureException.class, call::call).failure();
    }

    @Test
    void what_would_never_fit_is_refused_at_once_and_says_what_is_missing_and_what_to_change() {
        var total = new Footprint(3L << 30, 256L << 20, 300L << 20);
        var budget = budget(total, LONG);
        try (Scratch other = budget.scratch("job", "this job");
                Scratch scratch = budget.scratch("job", "this job")) {
            other.reserve(total);

            Failure failure = failure(() -> {
                scratch.reserve(new Footprint(20L << 30, 300L << 20, 1));
                return scratch;
            });

            assertThat(failure.blame()).isEqualTo(Blame.INPUT);
            assertThat(failure.reason()).isEqualTo("too-large-for-worker");
            assertThat(failure.message())
                    .contains("20.0 GiB of disk, this worker has 3072.0 MiB", "ephemeral storage")
                    .contains("300.0 MiB of Java heap, this worker has 256.0 MiB", "memory")
                    .doesNotContain("beside the Java heap");
        }
        assertThat(budget.reserved()).isEqualTo(Footprint.NONE);
    }

    @Test
    void what_does_not_fit_now_waits_until_a_job_ends() throws Exception {
        var budget = budget(10);
        Scratch first = job(budget, 7);
        Future<Scratch> second = begin(budget, 4);
        assertThat(second.isDone()).isFalse();
        assertThat(budget.waiting()).isOne();

        first.close();

        try (Scratch scratch = second.get()) {
            assertThat(budget.reserved()).isEqualTo(disk(4));
            assertThat(budget.waiting()).isZero();
            assertThat(scratch.directory("mine")).isEmptyDirectory();
        }
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void each_resource_bounds_on_its_own() throws Exception {
        var budget = budget(new Footprint(10, 10, 10), LONG);
        Scratch first = budget.scratch("job", "this job");
        first.reserve(new Footprint(1, 9, 1));
        try (Scratch second = budget.scratch("job", "this job")) {
            Future<?> heap = threads.submit(() -> second.reserve(new Footprint(1, 2, 1)));
            await().until(() -> budget.waiting() == 1);
            first.close();
            assertThat(heap.get()).isNull();
            assertThat(budget.reserved()).isEqualTo(new Footprint(1, 2, 1));
        }
    }

    @Test
    void a_large_job_is_not_overtaken_by_small_ones_that_came_later() throws Exception {
        var budget = budget(10);
        Scratch running = job(budget, 2);
        Future<Scratch> large = begin(budget, 9);
        Future<Scratch> small = begin(budget, 1);
        assertThat(small.isDone()).as("would fit, but came later").isFalse();

        running.close();
        Scratch one = large.get();
        Scratch two = small.get();
        assertThat(budget.reserved()).isEqualTo(disk(10));
        one.close();
        two.close();
    }

    @Test
    void a_job_that_needs_more_goes_before_those_that_have_nothing_yet() throws Exception {
        var budget = budget(10);
        Scratch running = job(budget, 4);
        try (Scratch growing = job(budget, 4)) {
            Future<Scratch> waiting = begin(budget, 4);
            Future<?> grown = threads.submit(() -> growing.reserveMore(disk(3)));
            await().until(() -> budget.waiting() == 2);

            running.close();

            assertThat(grown.get()).isNull();
            assertThat(budget.reserved()).isEqualTo(disk(7));
            assertThat(waiting.isDone()).isFalse();
            growing.reserve(disk(7));
            assertThat(waiting.cancel(true)).isTrue();
        }
    }

    @Test
    void of_two_jobs_that_need_more_one_gives_up_so_that_the_other_can_go_on() throws Exception {
        var budget = budget(10);
        Scratch first = job(budget, 5);
        Scratch second = job(budget, 5);
        Future<?> grown = threads.submit(() -> first.reserveMore(disk(2)));
        await().until(() -> budget.waiting() == 1);

        Failure failure = failure(() -> {
            second.reserveMore(disk(2));
            return second;
        });
        assertThat(failure.blame()).isEqualTo(Blame.NODE);
        assertThat(failure.reason()).isEqualTo("no-room");
        second.close();

        assertThat(grown.get()).isNull();
        assertThat(budget.reserved()).isEqualTo(disk(7));
        first.close();
        assertThat(budget.reserved()).isEqualTo(Footprint.NONE);
    }

    @Test
    void reserving_again_takes_only_what_is_more() {
        var budget = budget(10);
        try (Scratch scratch = job(budget, 6)) {
            scratch.reserve(disk(4));
            assertThat(budget.reserved()).isEqualTo(disk(6));
            scratch.reserve(disk(10));
            assertThat(budget.reserved()).isEqualTo(disk(10));
        }
    }

    @Test
    void a_job_that_waits_in_vain_gives_its_message_back() {
        var budget = budget(disk(10), SHORT);
        try (Scratch running = job(budget, 10)) {
            Failure failure = failure(() -> job(budget, 1));
            assertThat(failure.blame()).isEqualTo(Blame.NODE);
            assertThat(failure.reason()).isEqualTo("no-room");
            assertThat(failure.message()).contains("10 bytes of disk");
            assertThat(running.directory("mine")).exists();
        }
        assertThat(budget.waiting()).isZero();
    }

    @Test
    void an_interrupt_ends_the_waiting_and_leaves_nothing_taken() throws Exception {
        var budget = budget(10);
        Scratch running = job(budget, 10);
        Future<Scratch> waiting = begin(budget, 1);
        Future<Scratch> behind = begin(budget, 2);
        assertThat(waiting.cancel(true)).isTrue();
        await().until(() -> budget.waiting() == 1);
        running.close();
        behind.get().close();
        await().untilAsserted(() -> assertThat(budget.reserved()).isEqualTo(Footprint.NONE));
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void a_disk_that_others_have_filled_makes_a_job_wait_until_it_is_free_again() throws Exception {
        var disk = new Shared();
        disk.free.set(3);
        var budget = new Budget(directory, disk(10), disk, LONG);
        Future<Scratch> waiting = begin(budget, 4);
        assertThat(waiting.isDone()).isFalse();

        disk.free.set(4);

        waiting.get().close();
    }

    @Test
    void what_is_promised_to_jobs_that_have_not_written_it_yet_is_not_free() {
        var written = new AtomicLong();
        var disk = new Budget.Disk() {
            @Override
            public long free() {
                return 10 - written.get();
            }

            @Override
            public long written() {
                return written.get();
            }
        };
        var budget = new Budget(directory, disk(100), disk, SHORT);
        try (Scratch first = job(budget, 6)) {
            assertThat(failure(() -> job(budget, 5)).reason()).isEqualTo("no-room");
            written.set(6);
            assertThat(failure(() -> job(budget, 5)).reason()).isEqualTo("no-room");
            job(budget, 4).close();
            assertThat(first.directory("mine")).exists();
        }
    }

    /** Random jobs, some that need more on the way, some that are told to stop. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void no_schedule_takes_more_than_there_is_or_starves_a_job_or_keeps_anything(long seed) throws Exception {
        int total = 100;
        var budget = budget(total);
        var random = new Random(seed);
        var inUse = new AtomicInteger();
        var most = new AtomicInteger();
        List<Future<String>> jobs = Collections.synchronizedList(new ArrayList<>());
        int count = 400;
        for (int i = 0; i < count; i++) {
            int size = random.nextInt(10) == 0 ? total - random.nextInt(20) : 1 + random.nextInt(30);
            int growth = random.nextInt(4) == 0 ? random.nextInt(total - size + 1) : 0;
            Future<String> job = threads.submit(() -> run(budget, size, growth, inUse, most));
            jobs.add(job);
            if (random.nextInt(8) == 0) {
                jobs.get(random.nextInt(jobs.size())).cancel(true);
            }
        }

        int done = 0;
        int gaveUp = 0;
        for (Future<String> job : jobs) {
            if (!job.isCancelled()) {
                String end = job.get();
                done += end.equals("done") ? 1 : 0;
                gaveUp += end.equals("no-room") ? 1 : 0;
            }
        }
        threads.shutdown();
        await().until(threads::isTerminated);
        assertThat(most.get()).isBetween(total / 2, total);
        assertThat(done).isPositive();
        // Only a job that needs more while another does may give up, never one that merely waits for its turn.
        assertThat(gaveUp).isLessThan(count / 4);
        assertThat(done + gaveUp)
                .isEqualTo((int) jobs.stream().filter(job -> !job.isCancelled()).count());
        assertThat(budget.reserved()).isEqualTo(Footprint.NONE);
        assertThat(budget.waiting()).isZero();
        assertThat(directory).isEmptyDirectory();
    }

    private static String run(Budget budget, int size, int growth, AtomicInteger inUse, AtomicInteger most) {
        int mine = 0;
        try (Scratch scratch = budget.scratch("job", "this job")) {
            try {
                scratch.reserve(disk(size));
                mine = size;
                most.accumulateAndGet(inUse.addAndGet(size), Math::max);
                Thread.onSpinWait();
                if (growth > 0) {
                    scratch.reserveMore(disk(growth));
                    mine += growth;
                    most.accumulateAndGet(inUse.addAndGet(growth), Math::max);
                    Thread.onSpinWait();
                }
                return "done";
            } finally {
                inUse.addAndGet(-mine);
            }
        } catch (FailureException e) {
            return e.failure().reason();
        }
    }
}
