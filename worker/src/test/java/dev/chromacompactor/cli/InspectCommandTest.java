package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.chroma.ChromaFixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    @TempDir
    static Path scratch;

    private static Stage stage;

    @TempDir
    Path here;

    private Path directory = Path.of("");

    @BeforeAll
    static void start() {
        stage = new Stage(scratch);
    }

    @AfterAll
    static void stop() {
        stage.close();
    }

    @BeforeEach
    void unpack() throws IOException {
        directory = ChromaFixtures.unpack("1.5.9", "two_collections", Files.createDirectory(here.resolve("chroma")));
    }

    private record State(FileTime time, int content) {}

    private Map<Path, State> state() throws IOException {
        var state = new TreeMap<Path, State>();
        for (Path file : Stage.files(directory)) {
            state.put(file, new State(Files.getLastModifiedTime(file), Arrays.hashCode(Files.readAllBytes(file))));
        }
        return state;
    }

    @Test
    void it_says_what_is_there_and_changes_nothing() throws Exception {
        var before = state();

        JsonNode shallow =
                stage.run("inspect", "--json", directory.toString()).ended(0).json();
        JsonNode deep = stage.run("inspect", "--json", "--deep", directory.toString())
                .ended(0)
                .json();

        assertThat(state()).isEqualTo(before);
        assertThat(shallow.get("sound").isNull()).isTrue();
        assertThat(deep.get("sound").asBoolean()).isTrue();
        assertThat(deep.get("schema_level").get("metadb").asInt()).isPositive();
        assertThat(deep.get("collections").findValuesAsText("name")).contains("lines", "words", "empty");
        assertThat(deep.get("records").asLong())
                .isEqualTo(ChromaFixtures.expected("1.5.9", "two_collections", "words")
                                .size()
                        + ChromaFixtures.expected("1.5.9", "two_collections", "lines")
                                .size()
                        - 2L);
        JsonNode words = deep.get("collections").get(2);
        assertThat(words.get("space").asText()).isIn("l2", "ip", "cosine");
        assertThat(words.get("ef_construction").asInt()).isPositive();
        assertThat(words.get("wal").get("removed_keys").isNumber()).isTrue();
        assertThat(shallow.get("collections").get(2).get("wal").isNull()).isTrue();
    }

    @Test
    void people_read_text() {
        assertThat(stage.run("inspect", "--deep", directory.toString()).ended(0).out())
                .contains("collection    words: ", "every id, vector and link: sound");
        assertThat(stage.run("inspect", directory.resolve("chroma.sqlite3").toString())
                        .ended(0)
                        .out())
                .contains("collection    words: ", "--deep checks");
    }

    @Test
    void archives_and_what_lies_on_s3_are_read_too() throws Exception {
        Path archive = here.resolve("delta.tar.gz");
        try (var in = getClass().getResourceAsStream("/fixtures/1.5.9/small_wal.tar.gz")) {
            Files.copy(java.util.Objects.requireNonNull(in), archive);
        }
        stage.upload("small_wal", here, "words/delta/one/");
        stage.store().put("words/delta/packed/delta.tar.gz", archive);
        String bucket = "s3://" + stage.store().bucket();

        JsonNode local =
                stage.run("inspect", "--json", archive.toString()).ended(0).json();
        for (String path : new String[] {"/words/delta/one", "/words/delta/one/", "/words/delta/packed/delta.tar.gz"}) {
            JsonNode remote = stage.run("inspect", "--deep", "--json", bucket + path)
                    .ended(0)
                    .json();
            assertThat(remote.get("records")).as(path).isEqualTo(local.get("records"));
        }
        assertThat(stage.run("inspect", bucket + "/nothing/")
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("delta-missing");
        assertThat(stage.run("inspect", bucket).ended(ExitCode.FAILED).err()).contains("s3://bucket/prefix/");
        assertThat(scratch).as("nothing is left behind").isEmptyDirectory();
    }

    @Test
    void deep_ends_with_3_and_the_reason_when_something_is_wrong() throws Exception {
        Path index;
        try (var files = Files.walk(directory)) {
            index = files.filter(file -> file.endsWith("data_level0.bin"))
                    .findFirst()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(index);
        Files.write(index, Arrays.copyOf(bytes, bytes.length / 2));

        JsonNode unsound = stage.run("inspect", "--deep", "--json", directory.toString())
                .ended(ExitCode.FOUND_SOMETHING)
                .json();

        assertThat(unsound.get("sound").asBoolean()).isFalse();
        assertThat(unsound.get("class").asText()).isEqualTo("input");
        assertThat(unsound.get("reason").asText()).startsWith("index-");
        assertThat(unsound.get("message").asText()).contains("data_level0.bin");
    }

    @Test
    void deep_finds_a_broken_archive_and_a_file_that_is_none() throws Exception {
        Path cut = Files.writeString(here.resolve("cut.tar.gz"), "no archive");
        assertThat(stage.run("inspect", "--deep", cut.toString())
                        .ended(ExitCode.FOUND_SOMETHING)
                        .out())
                .contains("archive-corrupt", cut.toString());

        Files.write(directory.resolve("chroma.sqlite3"), "no database".getBytes(UTF_8));
        assertThat(stage.run("inspect", directory.toString())
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("sqlite-corrupt");
    }

    @Test
    void deep_counts_the_digest_of_what_we_wrote_again_and_names_a_difference() throws Exception {
        Path merged = here.resolve("merged");
        String left = stage.run("merge", "--json", "--out", merged.toString(), directory.toString())
                .ended(0)
                .json()
                .get("digest")
                .asText();

        JsonNode same = stage.run("inspect", "--deep", "--json", merged.toString())
                .ended(0)
                .json();
        assertThat(same.get("digest").asText()).isEqualTo(left);
        assertThat(same.get("promised").asText()).isEqualTo(left);
        assertThat(stage.run("inspect", "--deep", merged.toString()).ended(0).out())
                .contains(left + ", as it was left");

        change(merged);
        JsonNode other = stage.run("inspect", "--deep", "--json", merged.toString())
                .ended(0)
                .json();
        assertThat(other.get("promised").asText()).isEqualTo(left);
        assertThat(other.get("digest").asText()).hasSize(32).isNotEqualTo(left);
        assertThat(stage.run("inspect", "--deep", merged.toString()).ended(0).out())
                .contains("written to since it was left with " + left);
    }

    /** One value of one record, which breaks nothing. */
    private static void change(Path merged) throws SQLException {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + merged.resolve("chroma.sqlite3"));
                var statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("UPDATE embedding_metadata SET int_value = int_value + 1 WHERE rowid ="
                            + " (SELECT min(rowid) FROM embedding_metadata WHERE int_value IS NOT NULL)"))
                    .isEqualTo(1);
        }
    }
}
