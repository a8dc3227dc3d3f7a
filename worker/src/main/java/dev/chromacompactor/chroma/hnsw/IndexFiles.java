package dev.chromacompactor.chroma.hnsw;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.channels.FileChannel.MapMode.READ_ONLY;
import static java.nio.channels.FileChannel.MapMode.READ_WRITE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Names of the files of a VECTOR segment, reading small ones whole, and how their damage is called. */
final class IndexFiles {
    static final String DATA = "data_level0.bin";
    static final String LENGTHS = "length.bin";
    static final String LINKS = "link_lists.bin";
    static final String METADATA = "index_metadata.pickle";

    private IndexFiles() {}

    static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        } catch (OutOfMemoryError e) {
            throw torn(file, "is too large to be one");
        }
    }

    /**
     * Maps a file for as long as the arena is open.
     *
     * @return little-endian
     */
    static ByteBuffer map(Path file, Arena arena) {
        try (var channel = FileChannel.open(file, READ)) {
            if (channel.size() > Integer.MAX_VALUE) {
                throw torn(file, "is too large to be one");
            }
            return channel.map(READ_ONLY, 0, channel.size(), arena)
                    .asByteBuffer()
                    .order(LITTLE_ENDIAN);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** A new file of so many bytes, in the place of one that was there, mapped likewise, to be written. */
    static ByteBuffer create(Path file, long bytes, Arena arena) throws IOException {
        try (var channel = FileChannel.open(file, CREATE, TRUNCATE_EXISTING, READ, WRITE)) {
            fill(channel, 0, bytes);
            return channel.map(READ_WRITE, 0, bytes, arena).asByteBuffer().order(LITTLE_ENDIAN);
        }
    }

    /**
     * Writes zeros. Every block of a file is written before it is mapped: a full disk is then an exception, not a signal that ends the process.
     *
     * @param at the first byte
     * @param end the byte after the last
     */
    static void fill(FileChannel file, long at, long end) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
        for (long next = at; next < end; ) {
            next += file.write(zeros.clear().limit((int) Math.min(zeros.capacity(), end - next)), next);
        }
    }

    /** The file's contents contradict themselves or another file's. */
    static FailureException torn(Path file, String what) {
        return FailureException.input("index-torn", "reading " + file + ": " + what);
    }

    static FailureException unreadable(Path file, IOException e) {
        if (e instanceof NoSuchFileException) {
            return new FailureException(Blame.INPUT, "index-missing-file", "opening the index: there is no " + file, e);
        }
        return new FailureException(Blame.NODE, "disk-failed", "reading " + file + ": " + e, e);
    }
}
