package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.RecordDigest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MergeCommandTest {
    @TempDir
    Path here;

    private Path fixture(String name, String at) throws IOException {
        return ChromaFixtures.unpack("1.5.9", name, Files.createDirectories(here.resolve(at)));
    }

    private Path archive(String name, String at) throws IOException {
        Path archive = here.resolve(at);
        Files.createDirectories(Objects.requireNonNull(archive.getParent()));
        try (var in = Objects.requireNonNull(getClass().getResourceAsStream("/fixtures/1.5.9/" + name + ".tar.gz"))) {
            Files.copy(in, archive);
        }
        return archive;
    }

    private Stage.Ran merge(Object... args) {
        List<String> all = new ArrayList<>(List.of("merge", "--json", "--out", out().toString()));
        for (Object arg : args) {
            all.add(arg.toString());
        }
        return Stage.run(
                Map.of("COMPACTOR_SCRATCH_DIR", here.resolve("scratch").toString()), all.toArray(String[]::new));
    }

    private Path out() {
        return here.resolve("out");
    }

    private void assertNothingLeft() {
        assertThat(out()).doesNotExist();
        assertThat(here.toFile().list()).noneMatch(name -> name.startsWith(".out"));
    }

    private static Map<String, Long> counts(Path directory) {
        try (ChromaDatabase database = ChromaDatabase.open(directory)) {
            var counts = new TreeMap<String, Long>();
            for (CollectionInfo each : database.collections()) {
                counts.put(each.name(), database.records(each));
            }
            return counts;
        }
    }

    private static String digest(Path directory) {
        try (ChromaDatabase database = ChromaDatabase.open(directory)) {
            return RecordDigest.of(database);
        }
    }

    /** Gives every record of a directory this document; the files stay those that Chroma wrote. */
    private static void rewriteDocuments(Path directory, String document) throws Exception {
        execute(
                directory,
                "UPDATE embedding_metadata SET string_value = '" + document + "' WHERE key = 'chroma:document'");
    }

    private static void execute(Path directory, String sql) throws Exception {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("chroma.sqlite3"));
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<String> documents(Path directory) {
        try (ChromaDatabase database = ChromaDatabase.open(directory)) {
            var documents = new ArrayList<String>();
            for (CollectionInfo each : database.collections()) {
                database.entries(each, entry -> {
                    if (entry.live() != null) {
                        documents.add(String.valueOf(entry.live().document()));
                    }
                });
            }
            return documents;
        }
    }

    @Test
    void one_input_keeps_its_records_as_they_are() throws Exception {
        Path input = fixture("persisted", "a");

        JsonNode merged = merge(input).ended(0).json();

        assertThat(digest(out())).isEqualTo(digest(input));
        assertThat(merged.get("digest").asText()).isEqualTo(digest(input));
        assertThat(merged.get("directory").asText()).isEqualTo(out().toString());
        assertThat(merged.get("ledger").get("deletes_effective").asLong()).isZero();
        assertThat(merged.get("collections").get(0).get("space").asText()).isIn("l2", "ip", "cosine");
    }

    @Test
    void inputs_of_the_same_name_several_collections_and_archives_mix() throws Exception {
        Path directory = fixture("two_collections", "monday/delta");
        Path first = archive("two_collections", "monday/delta.tar.gz");
        Path second = archive("two_collections", "tuesday/delta.tar.gz");

        JsonNode merged = merge(directory, first, second, directory).ended(0).json();

        assertThat(counts(out())).isEqualTo(counts(directory)).hasSizeGreaterThan(1);
        assertThat(merged.get("inputs").asInt()).isEqualTo(4);
    }

    @Test
    void there_may_be_more_archives_than_are_open_at_once() throws Exception {
        Path archive = archive("persisted", "delta.tar.gz");
        Path directory = fixture("persisted", "delta");

        JsonNode merged =
                merge(Collections.nCopies(25, archive).toArray()).ended(0).json();

        assertThat(merged.get("inputs").asInt()).isEqualTo(25);
        assertThat(digest(out())).isEqualTo(digest(directory));
    }

    @Test
    void of_a_bad_input_and_bad_tables_of_a_later_one_the_first_is_named() throws Exception {
        Path good = fixture("persisted", "good");
        Path records = fixture("persisted", "records");
        Path tables = fixture("persisted", "tables");
        execute(records, "DELETE FROM embeddings WHERE id = 1");
        execute(records, "DELETE FROM embedding_metadata WHERE id = 1");
        execute(tables, "DELETE FROM embeddings WHERE id = 1");

        assertThat(merge(good, tables, records).ended(ExitCode.FAILED).err())
                .contains(tables.toString(), "foreign-key-violation");
        assertThat(merge(good, records, tables).ended(ExitCode.FAILED).err())
                .contains(records.toString(), "ids-disagree");
        assertNothingLeft();
    }

    @Test
    void later_arguments_win_whatever_the_number_of_threads() throws Exception {
        Path first = fixture("persisted", "first");
        Path second = fixture("persisted", "second");
        rewriteDocuments(first, "from the first");
        rewriteDocuments(second, "from the second");

        assertThat(merge("--threads", "1", first, second).ended(0).code()).isZero();
        assertThat(documents(out())).isNotEmpty().containsOnly("from the second");
        String digest = digest(out());

        Files.move(out(), here.resolve("once"));
        merge("--threads", "7", first, second).ended(0);
        assertThat(digest(out())).isEqualTo(digest);

        Files.move(out(), here.resolve("twice"));
        merge(second, first).ended(0);
        assertThat(documents(out())).containsOnly("from the first");
    }

    @Test
    void a_base_is_extended_and_older_than_every_input_and_left_as_it_was() throws Exception {
        Path base = fixture("persisted", "base");
        Path input = fixture("persisted", "input");
        rewriteDocuments(base, "from the base");
        rewriteDocuments(input, "from the input");
        Files.writeString(base.resolve("notes.txt"), "no part of the database");
        String before = digest(base);

        merge("--base", base, input).ended(0);

        assertThat(documents(out())).containsOnly("from the input");
        assertThat(digest(base)).isEqualTo(before);
        assertThat(out().resolve("notes.txt")).doesNotExist();
    }

    @Test
    void a_collection_can_be_renamed() throws Exception {
        merge("--collection", "all", fixture("persisted", "a")).ended(0);

        assertThat(counts(out())).containsOnlyKeys("all");
    }

    @Test
    void an_input_that_does_not_fit_is_named_and_nothing_is_left() throws Exception {
        Path good = fixture("persisted", "good");
        Path other = fixture("persisted", "other");
        Path misfit = fixture("all_types", "misfit");

        var ran = merge("--collection", "words", good, other, misfit).ended(ExitCode.FAILED);

        assertThat(ran.err()).contains(misfit.toString(), "-mismatch");
        assertThat(ran.out()).isEmpty();
        assertNothingLeft();
    }

    @Test
    void of_several_broken_inputs_the_first_is_named_and_nothing_is_left() throws Exception {
        Path good = fixture("persisted", "good");
        Path broken = Files.writeString(here.resolve("broken.tar.gz"), "no archive");

        var ran = merge(good, broken, here.resolve("missing")).ended(ExitCode.FAILED);

        assertThat(ran.err()).contains(broken.toString(), "archive-corrupt");
        assertNothingLeft();
    }

    @Test
    void what_is_there_already_is_left_alone() throws Exception {
        Path input = fixture("persisted", "a");
        Files.createDirectory(out());
        Files.writeString(out().resolve("mine.txt"), "mine");

        assertThat(merge(input).ended(ExitCode.USAGE).err()).contains("exists already");
        assertThat(out().toFile().list()).containsExactly("mine.txt");
    }

    private Path base(String fixture) throws IOException {
        merge(fixture(fixture, "b")).ended(0);
        return Files.move(out(), here.resolve("base"));
    }

    @Test
    void a_base_of_ours_is_sealed_and_tells_the_digest_of_what_grows_on_it() throws Exception {
        Path base = base("persisted");
        assertThat(base.resolve("compactor.seal")).content().startsWith("compactor-seal 1\ndigest " + digest(base));

        JsonNode merged =
                merge("--base", base, fixture("small_wal", "c")).ended(0).json();

        assertThat(merged.get("digest").asText()).isEqualTo(digest(out()));
    }

    @Test
    void the_digest_follows_records_that_were_added_to_a_base_and_then_changed_by_a_later_input() throws Exception {
        Path base = base("persisted");
        Path added = fixture("small_wal", "c");
        Path changed = fixture("small_wal", "d");
        rewriteDocuments(changed, "changed");

        JsonNode merged = merge("--base", base, added, changed).ended(0).json();

        assertThat(documents(out())).contains("changed");
        assertThat(merged.get("digest").asText()).isEqualTo(digest(out()));
    }

    @Test
    void a_base_that_somebody_wrote_to_since_is_read_anew() throws Exception {
        Path base = base("persisted");
        rewriteDocuments(base, "changed");

        JsonNode merged =
                merge("--base", base, fixture("small_wal", "c")).ended(0).json();

        assertThat(documents(out())).contains("changed");
        assertThat(merged.get("digest").asText()).isEqualTo(digest(out()));
    }

    @Test
    void a_damaged_base_of_ours_is_refused() throws Exception {
        Path base = base("persisted");
        try (var files = Files.walk(base)) {
            Path data = files.filter(file -> file.endsWith("data_level0.bin"))
                    .findFirst()
                    .orElseThrow();
            byte[] bytes = Files.readAllBytes(data);
            bytes[7] = 0x7f;
            Files.write(data, bytes);
        }

        assertThat(merge("--base", base, fixture("small_wal", "c")).err()).contains("index-torn");
        assertNothingLeft();
    }
}
