package dev.chromacompactor.chroma.hnsw;

import static java.nio.channels.FileChannel.MapMode.READ_WRITE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.UUID;

/**
 * Memory outside the heap for as long as something is built. What goes beyond a bound lies in mapped files, so that a large build takes disk, which
 * the kernel keeps in memory as far as there is room, instead of failing for want of memory.
 *
 * <p>All zeros. The files have no name once they are mapped: whatever ends the process, nothing is left. Any thread may use the segments.
 */
final class ScratchArena implements Arena {
    private static final long MOST = 256L << 20;

    private final Path folder;
    private final long most;
    private final Arena arena = Arena.ofShared();
    private long inMemory;

    /** @param folder where the files would be */
    ScratchArena(Path folder) {
        this(folder, MOST);
    }

    /** @param most bytes that are taken without a file */
    ScratchArena(Path folder, long most) {
        this.folder = folder;
        this.most = most;
    }

    /** Another one of the same kind, for less time. */
    ScratchArena beside() {
        return new ScratchArena(folder, most);
    }

    /** @throws FailureException NODE {@code disk-full}, {@code disk-failed} */
    @Override
    public synchronized MemorySegment allocate(long bytes, long alignment) {
        if (inMemory + bytes > most) {
            return mapped(bytes);
        }
        inMemory += bytes;
        return arena.allocate(bytes, alignment);
    }

    private MemorySegment mapped(long bytes) {
        Path file = folder.resolve("linking-" + UUID.randomUUID());
        try (var channel = FileChannel.open(file, CREATE_NEW, READ, WRITE, DELETE_ON_CLOSE)) {
            IndexFiles.fill(channel, 0, bytes);
            return channel.map(READ_WRITE, 0, bytes, arena);
        } catch (IOException e) {
            throw FailureException.disk("make room for " + bytes + " bytes in " + folder, e);
        }
    }

    @Override
    public MemorySegment.Scope scope() {
        return arena.scope();
    }

    @Override
    public void close() {
        arena.close();
    }
}
