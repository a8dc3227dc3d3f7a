package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SealTest {
    private static final String DIGEST = "0123456789abcdef".repeat(2);

    @TempDir
    Path temp;

    @Test
    void it_covers_tables_and_indexes_and_nothing_else_that_lies_there() throws Exception {
        Path database = ChromaFixtures.unpack("1.5.9", "persisted", Files.createDirectory(temp.resolve("database")));
        Path copy = Files.createDirectory(temp.resolve("copy"));
        String index = vectorSegment(database);
        Files.writeString(database.resolve("vectors.scratch"), "scratch");
        Files.writeString(Files.createDirectory(database.resolve("beside")).resolve("file"), "no index");

        var seal = new Seal(DIGEST, Seal.sums(database));
        seal.write(database);

        assertThat(seal.files().keySet())
                .contains(SqliteFile.NAME, index + "/data_level0.bin")
                .allMatch(name -> name.equals(SqliteFile.NAME) || name.startsWith(index + '/'));
        assertThat(Seal.copy(database, copy)).contains(DIGEST);
        assertThat(copy.toFile().list()).containsExactlyInAnyOrder(SqliteFile.NAME, index);
        assertThat(Seal.sums(copy)).isEqualTo(seal.files());
    }

    private static String vectorSegment(Path directory) {
        try (var database = ChromaDatabase.openTrusted(directory)) {
            return database.collections().getFirst().vectorSegment();
        }
    }
}
