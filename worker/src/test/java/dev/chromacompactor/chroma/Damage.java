package dev.chromacompactor.chroma;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** One way to break a good directory. Files of the index are named {@code index/<file>}, whatever its folder is called. */
@FunctionalInterface
interface Damage {
    void to(Path directory) throws IOException, SQLException;

    static Path sqlite() {
        return Path.of("chroma.sqlite3");
    }

    static Path index(String file) {
        return Path.of("index", file);
    }

    static Damage sql(String... statements) {
        return directory -> {
            try (var connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve(sqlite()));
                    var statement = connection.createStatement()) {
                for (String sql : statements) {
                    statement.execute(sql);
                }
            }
        };
    }

    static Damage remove(Path file) {
        return directory -> Files.delete(find(directory, file));
    }

    static Damage write(Path file, byte[] bytes) {
        return directory -> Files.write(find(directory, file), bytes);
    }

    static Damage cut(Path file, int size) {
        return directory -> {
            Path path = find(directory, file);
            Files.write(path, Arrays.copyOf(Files.readAllBytes(path), size));
        };
    }

    static Damage alter(Path file, int offset, int... bytes) {
        byte[] values = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            values[i] = (byte) bytes[i];
        }
        return alter(file, offset, values);
    }

    static Damage alter(Path file, int offset, byte[] bytes) {
        return directory -> {
            Path path = find(directory, file);
            byte[] all = Files.readAllBytes(path);
            System.arraycopy(bytes, 0, all, offset, bytes.length);
            Files.write(path, all);
        };
    }

    /** Alters the root page of a table. */
    static Damage page(String table, int offset, byte[] bytes) {
        return directory -> {
            int root;
            try (var connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve(sqlite()));
                    var statement = connection.createStatement();
                    var row =
                            statement.executeQuery("SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'")) {
                root = row.getInt(1);
            }
            alter(sqlite(), (root - 1) * 4096 + offset, bytes).to(directory);
        };
    }

    static byte[] le32(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    static void cutTo(Path directory, double share) throws IOException, SQLException {
        cut(sqlite(), (int) (Files.size(directory.resolve(sqlite())) * share)).to(directory);
    }

    static void cutBy(Path directory, int bytes) throws IOException, SQLException {
        cut(sqlite(), (int) Files.size(directory.resolve(sqlite())) - bytes).to(directory);
    }

    static void removeAll(Path directory) throws IOException {
        for (Path path : walk(directory)) {
            if (!path.equals(directory)) {
                Files.delete(path);
            }
        }
    }

    static void intoFile(Path directory) throws IOException {
        removeAll(directory);
        Files.delete(directory);
        Files.writeString(directory, "a file");
    }

    static void emptyIndex(Path directory) throws IOException {
        removeAll(folder(directory));
    }

    static void removeIndex(Path directory) throws IOException {
        Path folder = folder(directory);
        removeAll(folder);
        Files.delete(folder);
    }

    /** As a copy looks that was made while a client was writing. */
    static void copiedInTransaction(Path directory) throws IOException, SQLException {
        // Until the cache spills, the file is as it was before the transaction and the journal says so.
        copiedWhileOpen(
                directory,
                "-journal",
                "PRAGMA cache_size = 1",
                "BEGIN",
                "UPDATE embedding_metadata SET string_value = hex(randomblob(200))");
    }

    static void copiedInWriteAheadMode(Path directory) throws IOException, SQLException {
        copiedWhileOpen(
                directory, "-wal", "PRAGMA journal_mode = wal", "UPDATE embeddings SET embedding_id = 'x' || id");
    }

    static void databaseOfSomethingElse(Path directory) throws IOException, SQLException {
        Files.delete(directory.resolve(sqlite()));
        sql("CREATE TABLE something (else_ TEXT)").to(directory);
    }

    static void lengthsOfNoNumber(Path directory) throws IOException {
        Path path = find(directory, index("length.bin"));
        byte[] bytes = Files.readAllBytes(path);
        Arrays.fill(bytes, (byte) 0xff);
        Files.write(path, bytes);
    }

    private static void copiedWhileOpen(Path directory, String companion, String... statements)
            throws IOException, SQLException {
        Path file = directory.resolve(sqlite());
        Path beside = Path.of(file + companion);
        byte[] main;
        byte[] other;
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
            main = Files.readAllBytes(file);
            other = Files.readAllBytes(beside);
        }
        Files.write(file, main);
        Files.write(beside, other);
    }

    /** Makes the second link of the node at {@code offset} equal to its first. */
    static void repeatLink(Path directory, int offset) throws IOException, SQLException {
        byte[] data = Files.readAllBytes(find(directory, index("data_level0.bin")));
        alter(index("data_level0.bin"), offset + 8, Arrays.copyOfRange(data, offset + 4, offset + 8))
                .to(directory);
    }

    /** Gives node 0 the label of node 1. */
    static void copyLabel(Path directory, int node, int label) throws IOException, SQLException {
        byte[] data = Files.readAllBytes(find(directory, index("data_level0.bin")));
        alter(index("data_level0.bin"), label, Arrays.copyOfRange(data, node + label, node + label + 8))
                .to(directory);
    }

    /** Sets a number of the first node that has upper links: 0 its size, 4 its count, 8 its first link. */
    static void upper(Path directory, int field, int value) throws IOException, SQLException {
        alter(index("link_lists.bin"), firstUpper(directory) * 4 + field, le32(value))
                .to(directory);
    }

    static void upperLink(Path directory, int target) throws IOException, SQLException {
        upper(directory, 8, target);
    }

    static void upperLinkToLowNode(Path directory) throws IOException, SQLException {
        // Nodes before the first with upper links have none; if it is node 0 itself, the one after it rarely has.
        upper(directory, 8, firstUpper(directory) == 0 ? 1 : 0);
    }

    /** Nodes before it take 4 bytes each. */
    private static int firstUpper(Path directory) throws IOException {
        ByteBuffer links = ByteBuffer.wrap(Files.readAllBytes(find(directory, index("link_lists.bin"))));
        int node = 0;
        while (links.getInt(4 * node) == 0) {
            node++;
        }
        return node;
    }

    static void append(Path directory, String file) throws IOException {
        Path path = find(directory, index(file));
        byte[] bytes = Files.readAllBytes(path);
        Files.write(path, Arrays.copyOf(bytes, bytes.length + 1));
    }

    static void pickleOf(Path directory, String version, String name) throws IOException {
        Path other = ChromaFixtures.unpack(version, name, directory.resolveSibling("other"));
        Path pickle = index("index_metadata.pickle");
        Files.write(find(directory, pickle), Files.readAllBytes(find(other, pickle)));
    }

    /** Replaces the first {@code times} occurrences of a text by another of the same length. */
    static void rename(Path directory, Path file, String from, String to, int times) throws IOException {
        Path path = find(directory, file);
        String text = Files.readString(path, StandardCharsets.ISO_8859_1);
        for (int i = 0; i < times; i++) {
            text = text.replaceFirst(from, to);
        }
        Files.writeString(path, text, StandardCharsets.ISO_8859_1);
    }

    private static Path find(Path directory, Path file) throws IOException {
        return file.startsWith("index") ? folder(directory).resolve(file.getFileName()) : directory.resolve(file);
    }

    private static Path folder(Path directory) throws IOException {
        for (Path path : walk(directory)) {
            if (path.endsWith("index_metadata.pickle")) {
                return path.resolveSibling("").normalize();
            }
        }
        throw new IOException("no index in " + directory);
    }

    /** What lies deepest first. */
    private static List<Path> walk(Path directory) throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            return paths.sorted(Comparator.reverseOrder()).toList();
        }
    }
}
