package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * The vectors of a fold that is under way, in a file beside the database that close deletes: appended, never rewritten,
 * found by the row of their record. float32, little-endian, each with its dimension before it.
 *
 * <p>Any thread may append; which row has what is known to one thread.
 */
final class VectorScratch implements AutoCloseable {
    private static final int PAGE = 64;

    private final FileChannel channel;
    /** Where the vectors of rows are, and 1, by the number of the page of rows. Most rows follow one another. */
    private final Map<Long, long[]> offsets = new HashMap<>();

    private ByteBuffer pending = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
    private long flushed;
    private final Arena arena = Arena.ofShared();
    private MemorySegment mapping = MemorySegment.NULL;

    VectorScratch(Path file) {
        try {
            channel = FileChannel.open(
                    file,
                    StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.DELETE_ON_CLOSE);
        } catch (IOException e) {
            throw failure("open " + file, e);
        }
    }

    synchronized void put(long row, float[] vector) {
        assign(row, begin(vector.length));
        for (float x : vector) {
            pending.putFloat(x);
        }
    }

    /**
     * Keeps a vector that no row has yet.
     *
     * @param vector float32, little-endian
     * @return its place, see {@link #assign}
     */
    synchronized long append(byte[] vector) {
        long place = begin(vector.length / Float.BYTES);
        pending.put(vector);
        return place;
    }

    /** Gives a row what was appended. */
    void assign(long row, long place) {
        offsets.computeIfAbsent(row / PAGE, _ -> new long[PAGE])[(int) (row % PAGE)] = place + 1;
    }

    /** Where the vector of a row is; negative if it has none. */
    private long place(long row) {
        long[] page = offsets.get(row / PAGE);
        return page == null ? -1 : page[(int) (row % PAGE)] - 1;
    }

    private long required(long row) {
        long place = place(row);
        if (place < 0) {
            throw new IllegalStateException("no vector was written for row " + row);
        }
        return place;
    }

    private long begin(int dimension) {
        int size = 4 + 4 * dimension;
        if (pending.remaining() < size) {
            flush();
            if (pending.capacity() < size) {
                pending = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
            }
        }
        long place = flushed + pending.position();
        pending.putInt(dimension);
        return place;
    }

    void remove(long row) {
        if (contains(row)) {
            assign(row, -1);
        }
    }

    boolean contains(long row) {
        return place(row) >= 0;
    }

    /** float32, little-endian. */
    synchronized byte[] get(long row) {
        long offset = required(row);
        flush();
        int dimension = read(offset, 4).getInt();
        return read(offset + 4, 4 * dimension).array();
    }

    /** Writes the vector of a row, float32, little-endian, as its index wants it. */
    void copy(long row, MemorySegment into) {
        long offset = required(row);
        MemorySegment.copy(mapped(), offset + 4, into, 0, into.byteSize());
    }

    private synchronized MemorySegment mapped() {
        flush();
        if (mapping.byteSize() < flushed) {
            try {
                mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, flushed, arena);
            } catch (IOException e) {
                throw failure("map vectors", e);
            }
        }
        return mapping;
    }

    private ByteBuffer read(long offset, int size) {
        var buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        try {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, offset + buffer.position()) < 0) {
                    throw new IllegalStateException("scratch file ends at " + channel.size());
                }
            }
        } catch (IOException e) {
            throw failure("read vectors", e);
        }
        return buffer.flip();
    }

    private void flush() {
        pending.flip();
        try {
            while (pending.hasRemaining()) {
                flushed += channel.write(pending, flushed);
            }
        } catch (IOException e) {
            throw failure("write vectors", e);
        }
        pending.clear();
    }

    private static FailureException failure(String doing, IOException e) {
        return FailureException.disk(doing + " in the scratch of a fold", e);
    }

    @Override
    public void close() {
        try (arena) {
            channel.close();
        } catch (IOException e) {
            throw failure("close", e);
        }
    }
}
