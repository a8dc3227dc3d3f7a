package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * {@code compactor.seal} beside {@code chroma.sqlite3}: that we wrote these files and found them sound, and what they were then. Who finds
 * every byte as it says need not check what was checked. It guards against damage and against other writers, not against malice; in a
 * bucket the manifest says the same, with SHA-256.
 *
 * <pre>
 * compactor-seal 1
 * digest &lt;32 hex, see {@link RecordDigest}&gt;
 * &lt;CRC-32C, 8 hex&gt; &lt;bytes&gt; &lt;file&gt;      one line a file, by name
 * </pre>
 *
 * @param digest of the records
 * @param files by name, relative to the directory
 */
public record Seal(String digest, Map<String, Sum> files) {
    static final String NAME = "compactor.seal";
    private static final String FORMAT = "compactor-seal 1";
    /** Small enough to stay in a core's cache between reading, summing and writing. */
    private static final int BLOCK = 128 << 10;

    /** What a file was. */
    record Sum(long bytes, int crc) {}

    /** What the files of a database are, in which nobody writes any more. */
    static Map<String, Sum> sums(Path directory) {
        try (ChromaDatabase database = ChromaDatabase.openTrusted(directory)) {
            Map<String, Sum> sums = new TreeMap<>();
            for (String name : names(database)) {
                sums.put(name, sum(directory.resolve(name), null));
            }
            return sums;
        } catch (IOException e) {
            throw FailureException.disk("seal " + directory, e);
        }
    }

    /** Writes it into the directory of a database that was proven. */
    void write(Path directory) {
        var text = new StringBuilder(FORMAT + "\ndigest " + digest + '\n');
        files.forEach((file, sum) -> text.append("%08x %d %s%n".formatted(sum.crc, sum.bytes, file)));
        try {
            Files.writeString(directory.resolve(NAME), text, StandardOpenOption.CREATE_NEW);
        } catch (IOException e) {
            throw FailureException.disk("seal " + directory, e);
        }
    }

    /**
     * Copies a database: its tables and the folders of its indexes, nothing else that lies there.
     *
     * @return the digest of its records if it is sealed, and every byte that was copied is what the seal says
     */
    public static Optional<String> copy(Path from, Path to) {
        Optional<Seal> seal = read(from);
        try (ChromaDatabase database = ChromaDatabase.openTrusted(from)) {
            Map<String, Sum> copied = new TreeMap<>();
            for (String name : names(database)) {
                Files.createDirectories(to.resolve(name).getParent());
                copied.put(name, sum(from.resolve(name), to.resolve(name)));
            }
            return seal.filter(s -> s.files.equals(copied)).map(Seal::digest);
        } catch (IOException e) {
            throw FailureException.disk("copy " + from, e);
        }
    }

    /** The files that a database is: its tables and what lies in the folders of its indexes. */
    private static List<String> names(ChromaDatabase database) throws IOException {
        List<String> names = new ArrayList<>(List.of(SqliteFile.NAME));
        for (CollectionInfo each : database.collections()) {
            Path folder = database.directory().resolve(each.vectorSegment());
            if (Files.isDirectory(folder)) {
                try (var files = Files.newDirectoryStream(folder, Files::isRegularFile)) {
                    files.forEach(file -> names.add(each.vectorSegment() + '/' + file.getFileName()));
                }
            }
        }
        return names;
    }

    /** The digest of the records of a directory as its seal says, whatever became of them since; empty if it has none that we can read. */
    public static Optional<String> digestOf(Path directory) {
        return read(directory).map(Seal::digest);
    }

    /** Empty if there is none that we can read: the database is one like any other then. */
    static Optional<Seal> read(Path directory) {
        Path file = directory.resolve(NAME);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            List<String> lines = Files.readAllLines(file);
            if (lines.size() < 2
                    || !lines.getFirst().equals(FORMAT)
                    || !lines.get(1).matches("digest [0-9a-f]{32}")) {
                return Optional.empty();
            }
            Map<String, Sum> files = lines.stream()
                    .skip(2)
                    .map(line -> line.split(" ", 3))
                    .collect(Collectors.toMap(
                            part -> part[2],
                            part -> new Sum(Long.parseLong(part[1]), Integer.parseUnsignedInt(part[0], 16))));
            return Optional.of(new Seal(lines.get(1).substring("digest ".length()), files));
        } catch (IOException | IllegalArgumentException | IllegalStateException | IndexOutOfBoundsException e) {
            // Torn, or of another kind: no seal.
            return Optional.empty();
        }
    }

    /** Reads a file once, and writes what it read to {@code copy} if that is given. */
    private static Sum sum(Path file, @Nullable Path copy) throws IOException {
        var crc = new CRC32C();
        long bytes = 0;
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        try (var in = FileChannel.open(file, StandardOpenOption.READ);
                var out = copy == null
                        ? null
                        : FileChannel.open(copy, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            while (in.read(block.clear()) >= 0) {
                bytes += block.flip().remaining();
                crc.update(block.duplicate());
                while (out != null && block.hasRemaining()) {
                    out.write(block);
                }
            }
        }
        return new Sum(bytes, (int) crc.getValue());
    }
}
