package dev.chromacompactor.compaction;

import com.sun.management.OperatingSystemMXBean;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** What this process has: the file system of its scratch directory, its heap, the memory of its container beside that. */
final class Machine implements Budget.Disk {
    /** Left free on the disk: logs, other programs, a model that is a little wrong. */
    private static final long SPARE_DISK = 64L << 20;
    /** Of the heap, what a worker has before its first job, and what the collector needs to turn round. */
    private static final long HEAP_OF_WORKER = 48L << 20;
    /** Beside the heap: classes, compiled code, threads, the collector. */
    private static final long OFF_HEAP_OF_WORKER = 192L << 20;

    private final Path jobs;
    private final FileStore disk;

    private Machine(Path jobs) {
        this.jobs = jobs;
        try {
            this.disk = Files.getFileStore(jobs);
        } catch (IOException e) {
            throw unreadable(jobs, e);
        }
    }

    /** @see Budget#ofMachine */
    static Budget budget(Path scratch, Path jobs, @Nullable Long limit) {
        var machine = new Machine(jobs);
        long heap = Runtime.getRuntime().maxMemory();
        long beside =
                ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize()
                        - heap
                        - OFF_HEAP_OF_WORKER;
        // One small job is always let in: a worker that refuses everything is no use, however tight it was made.
        Footprint least = CostModel.least();
        // What lies in the scratch directory now belongs to workers, so it will be free.
        long usable = machine.free() + sizeBelow(scratch);
        var total = new Footprint(
                limit == null ? usable : Math.min(limit, usable),
                Math.max(heap - HEAP_OF_WORKER, least.heap()),
                Math.max(beside, least.offHeap()));
        return new Budget(jobs, total, machine, Budget.PATIENCE);
    }

    @Override
    public long free() {
        try {
            return Math.max(0, disk.getUsableSpace() - SPARE_DISK);
        } catch (IOException e) {
            throw unreadable(jobs, e);
        }
    }

    /** Files that are unlinked while they are open do not show, so this is rather too little: then too much counts as promised. */
    @Override
    public long written() {
        return sizeBelow(jobs);
    }

    static long sizeBelow(Path directory) {
        var size = new long[1];
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    size[0] += attributes.size();
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException e) {
                    return gone(e);
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e) {
                    return e == null ? FileVisitResult.CONTINUE : gone(e);
                }

                // Jobs delete their files whenever they like.
                private FileVisitResult gone(IOException e) {
                    if (e instanceof NoSuchFileException) {
                        return FileVisitResult.CONTINUE;
                    }
                    throw new UncheckedIOException(e);
                }
            });
        } catch (IOException | UncheckedIOException e) {
            throw unreadable(directory, e);
        }
        return size[0];
    }

    private static FailureException unreadable(Path directory, Exception e) {
        return new FailureException(Blame.NODE, "disk-failed", "measure " + directory + ": " + e, e);
    }
}
