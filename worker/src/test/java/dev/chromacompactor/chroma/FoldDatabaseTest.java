package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FoldDatabaseTest {
    @TempDir
    private Path directory;

    private Path file(String name) {
        Path file = directory.resolve(name);
        try (var database = FoldDatabase.writable(file)) {
            database.update("CREATE TABLE word (text TEXT)");
            database.update("INSERT INTO word VALUES (?)", name);
            database.commit();
        }
        return file;
    }

    @Test
    void of_the_files_that_are_attached_only_the_last_may_keep_pages_in_memory() {
        try (var database = FoldDatabase.writable(file("all"))) {
            for (String name : List.of("one", "two", "three")) {
                database.attach(file(name));
                assertThat(database.list("SELECT text FROM source.word", row -> row.getString(1)))
                        .containsExactly(name);
            }

            assertThat(database.number("PRAGMA source1.cache_size")).isZero();
            assertThat(database.number("PRAGMA source2.cache_size")).isZero();
            assertThat(database.number("PRAGMA source3.cache_size")).isNotZero();
            database.commit();
        }
    }
}
