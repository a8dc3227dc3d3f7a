package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.chroma.ChromaDatabase;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What these tests publish stays; each damages only what is its own. */
class SnapshotCommandTest {
    @TempDir
    static Path scratch;

    private static Stage stage;

    @BeforeAll
    static void publish() throws Exception {
        stage = new Stage(scratch.resolve("workers"));
        stage.withWorker(() -> {
            for (String database : List.of("words", "broken")) {
                stage.upload("small_wal", scratch, database + "/delta/one/");
                stage.run("enqueue", "--database", database, "--prefix", database + "/delta/", "--watch")
                        .ended(0);
            }
        });
    }

    @AfterAll
    static void stop() {
        stage.close();
    }

    private static Stage.Ran snapshot(String command, String database, String... more) {
        var args = new java.util.ArrayList<>(List.of("snapshot", command, "--database", database));
        args.addAll(List.of(more));
        return stage.run(args.toArray(String[]::new));
    }

    private static String live(String database) {
        return new String(
                stage.store()
                        .read(database + "/snapshot/latest-pointer.txt")
                        .orElseThrow()
                        .bytes(),
                UTF_8);
    }

    @Test
    void versions_are_listed_and_shown() {
        JsonNode versions = snapshot("list", "words", "--json").ended(0).json();
        assertThat(versions).hasSize(1);
        JsonNode version = versions.get(0);
        assertThat(version.get("version").asText()).isEqualTo(live("words"));
        assertThat(version.get("live").asBoolean()).isTrue();
        assertThat(version.get("records").asLong()).isPositive();
        assertThat(version.get("base").isNull()).isTrue();
        assertThat(snapshot("list", "words").ended(0).out()).startsWith("* " + live("words"));

        JsonNode manifest = snapshot("show", "words", "--json").ended(0).json();
        assertThat(manifest.get("contents").get("records")).isEqualTo(version.get("records"));
        assertThat(manifest.get("contents")
                        .get("ledger")
                        .get("deletes_effective")
                        .isNumber())
                .isTrue();
        assertThat(manifest.get("lineage").get("inputs").get(0).get("key").asText())
                .isEqualTo("words/delta/one/");
        assertThat(snapshot("show", "words", live("words")).ended(0).out())
                .contains(live("words"), "collection", "1 chunks, 1 deltas");
    }

    @Test
    void a_download_appears_whole_and_chroma_can_open_it() throws Exception {
        Path target = scratch.resolve("new/parent/words");

        JsonNode done = snapshot("download", "words", "--out", target.toString(), "--json")
                .ended(0)
                .json();

        assertThat(done.get("directory").asText()).isEqualTo(target.toString());
        try (ChromaDatabase database = ChromaDatabase.open(target)) {
            assertThat(database.records(database.collections().getFirst()))
                    .isEqualTo(done.get("records").asLong());
        }
        assertThat(snapshot("download", "words", "--out", target.toString())
                        .ended(ExitCode.USAGE)
                        .err())
                .contains("exists already");
    }

    @Test
    void inspect_counts_the_digest_that_the_manifest_of_a_version_says() {
        String version = "s3://" + stage.store().bucket() + "/words/snapshot/timestamped/" + live("words");

        JsonNode inspected =
                stage.run("inspect", "--deep", "--json", version).ended(0).json();

        JsonNode manifest = snapshot("show", "words", "--json").ended(0).json();
        assertThat(inspected.get("digest"))
                .isEqualTo(inspected.get("promised"))
                .isEqualTo(manifest.get("contents").get("record_digest"));
    }

    @Test
    void what_is_not_there_is_said_in_words() {
        assertThat(snapshot("list", "nobody").ended(0).out()).contains("nothing was published yet");
        assertThat(snapshot("show", "nobody").ended(ExitCode.FAILED).err()).contains("nothing-published");
        assertThat(snapshot("verify", "words", "20200101_000000_000001_00000000")
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("version-unknown", "snapshot list");
    }

    @Test
    void a_version_of_another_writer_is_listed_but_has_no_manifest() {
        stage.store().put("legacy/snapshot/timestamped/20250101_000000_123456/chroma.sqlite3", "x".getBytes(UTF_8));
        stage.store().put("legacy/snapshot/latest-pointer.txt", "20250101_000000_123456".getBytes(UTF_8));

        JsonNode versions = snapshot("list", "legacy", "--json").ended(0).json();
        assertThat(versions.get(0).get("ours").asBoolean()).isFalse();
        assertThat(versions.get(0).get("live").asBoolean()).isTrue();
        assertThat(snapshot("show", "legacy").ended(ExitCode.FAILED).err()).contains("version-foreign", "inspect");
    }

    @Test
    void verify_reads_every_byte_and_finds_what_is_wrong() {
        JsonNode sound = snapshot("verify", "words", "--json").ended(0).json();
        assertThat(sound.get("sound").asBoolean()).isTrue();
        assertThat(sound.get("problems")).isEmpty();

        String key = "broken/snapshot/timestamped/" + live("broken") + "/chroma.sqlite3";
        byte[] bytes = stage.store().read(key).orElseThrow().bytes();
        bytes[bytes.length / 2] ^= 1;
        stage.store().put(key, bytes);
        JsonNode altered = snapshot("verify", "broken", "--json")
                .ended(ExitCode.FOUND_SOMETHING)
                .json();
        assertThat(altered.get("problems").toString()).contains("chroma.sqlite3", "SHA-256");
        Path target = scratch.resolve("broken");
        assertThat(snapshot("download", "broken", "--out", target.toString())
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("snapshot-damaged");
        assertThat(target).doesNotExist();
        assertThat(scratch.toFile().list()).noneMatch(name -> name.startsWith(".broken"));

        stage.store().delete(List.of(key));
        assertThat(snapshot("verify", "broken").ended(ExitCode.FOUND_SOMETHING).out())
                .contains("chroma.sqlite3 is missing");
        var list = snapshot("list", "broken").ended(0);
        assertThat(list.err()).contains("warning: ", "snapshot-damaged");
        assertThat(list.out()).contains(live("broken"));
    }

    /** The fixture's deltas once more, as batches of their own. */
    private static void enqueue(String database, String delta, String batch) throws Exception {
        stage.upload("small_wal", scratch, database + "/delta/" + delta + "/");
        stage.run(
                        "enqueue",
                        "--database",
                        database,
                        "--delta",
                        database + "/delta/" + delta + "/",
                        "--batch",
                        batch,
                        "--watch")
                .ended(0);
    }

    @Test
    void an_operator_rolls_back_under_a_pause_releases_pins_and_collects() throws Exception {
        stage.withWorker(() -> {
            enqueue("history", "one", "h-1");
            enqueue("history", "two", "h-2");
        });
        String second = live("history");
        String first = snapshot("list", "history", "--json")
                .ended(0)
                .json()
                .get(1)
                .get("version")
                .asText();
        stage.run("pause", "--database", "history", "--reason", "bad data").ended(0);

        var dry = snapshot("rollback", "history", first).ended(0);
        assertThat(dry.out()).contains("would roll back", "h-2/0", "nothing was changed", "--expect " + second);
        assertThat(live("history")).isEqualTo(second);
        assertThat(snapshot("rollback", "history", first, "--expect", first, "--yes")
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("live-not-expected", second);
        assertThat(snapshot("rollback", "history", second)
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("version-live");
        assertThat(snapshot("rollback", "history", "../x").ended(ExitCode.USAGE).err())
                .contains("VERSION ../x");

        JsonNode back = snapshot("rollback", "history", first, "--expect", second, "--yes", "--json")
                .ended(0)
                .json();
        assertThat(back.get("version").asText()).isEqualTo(live("history"));
        assertThat(back.get("taken_out").get(0).asText()).isEqualTo("h-2/0");
        assertThat(snapshot("rollback", "history", first, "--yes").ended(0).out())
                .contains("already");
        assertThat(snapshot("list", "history").ended(0).out()).contains("content of " + first);
        assertThat(snapshot("show", "history").ended(0).out()).contains("content of", "revoked", "h-2/0");
        assertThat(snapshot("verify", "history").ended(0).out()).contains("every file is there");
        assertThat(stage.run("enqueue", "--database", "history", "--prefix", "history/delta/", "--dry-run")
                        .ended(0)
                        .out())
                .contains("rolled back");

        assertThat(stage.run(
                                "enqueue",
                                "--database",
                                "history",
                                "--delta",
                                "history/delta/two/",
                                "--batch",
                                "h-2",
                                "--watch")
                        .ended(ExitCode.FOUND_SOMETHING)
                        .out())
                .contains("h-2/0: rolled-back");

        assertThat(snapshot("release", "history", "nobody/0")
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("chunk-unknown");
        assertThat(snapshot("release", "history", "h-2/0").ended(0).out()).contains("asked to publish: h-2");
        stage.run("resume", "--database", "history").ended(0);
        stage.withWorker(() -> stage.run(
                        "enqueue",
                        "--database",
                        "history",
                        "--delta",
                        "history/delta/two/",
                        "--batch",
                        "h-2",
                        "--watch")
                .ended(0));
        assertThat(snapshot("show", "history").ended(0).out())
                .contains("2 chunks, 2 deltas")
                .doesNotContain("revoked");

        assertThat(snapshot("pin", "history", second, "--reason", "audit")
                        .ended(0)
                        .out())
                .startsWith("pinned");
        assertThat(snapshot("list", "history").ended(0).out()).contains("+" + second, "pinned: audit");
        assertThat(snapshot("pin", "history", "20200101_000000_000001_00000000")
                        .ended(ExitCode.FAILED)
                        .err())
                .contains("version-unknown");
        var strict = new java.util.HashMap<>(stage.environment());
        strict.put("COMPACTOR_KEEP_VERSIONS", "1");
        strict.put("COMPACTOR_KEEP_FOR", "PT0S");
        int before = snapshot("list", "history", "--json").ended(0).json().size();
        assertThat(Stage.run(strict, "snapshot", "gc", "--database", "history")
                        .ended(0)
                        .out())
                .contains("would go", first, "stays", "pinned", "nothing was changed");
        assertThat(snapshot("list", "history", "--json").ended(0).json()).hasSize(before);
        JsonNode gone = Stage.run(strict, "snapshot", "gc", "--database", "history", "--yes", "--json")
                .ended(0)
                .json();
        assertThat(gone.get("bytes").asLong()).isPositive();
        assertThat(snapshot("list", "history", "--json").ended(0).json()).hasSize(2);
        assertThat(snapshot("unpin", "history", second).ended(0).out()).startsWith("unpinned");
        assertThat(snapshot("unpin", "history", second).ended(0).out()).contains("was not pinned");
    }

    @Test
    void nothing_is_collected_where_the_pointer_names_nothing() {
        stage.store().put("lost/snapshot/timestamped/20261124_080000_000001_0123abcd/x", "x".getBytes(UTF_8));
        stage.store().put("lost/snapshot/latest-pointer.txt", "20261124_080000_000002_0123abcd".getBytes(UTF_8));
        for (String[] command : new String[][] {
            {"gc", "--yes"},
            {"rollback", "20261124_080000_000001_0123abcd", "--yes"},
            {"release", "b/0"}
        }) {
            var more = List.of(command).subList(1, command.length).toArray(String[]::new);
            assertThat(snapshot(command[0], "lost", more).ended(ExitCode.FAILED).err())
                    .as(command[0])
                    .contains("pointer-dangling");
        }
        assertThat(stage.store().list("lost/")).hasSize(2);
    }

    @Test
    void gc_says_what_batches_left_and_takes_it_away_only_when_told() {
        var environment = new java.util.HashMap<>(stage.environment());
        environment.put("COMPACTOR_KEEP_FOR", "PT0S");
        var gc = List.of("snapshot", "gc", "--database", "words", "--json");
        // The store knows whole seconds only.
        await().until(() -> !leftovers(environment, gc).isEmpty());

        JsonNode found = leftovers(environment, gc);
        assertThat(found).singleElement().satisfies(each -> {
            assertThat(each.get("kind").asText()).isEqualTo("intermediate");
            assertThat(each.get("objects").asLong()).isEqualTo(1);
            assertThat(each.get("bytes").asLong()).isPositive();
        });
        var told = new java.util.ArrayList<>(gc);
        told.add("--yes");
        assertThat(leftovers(environment, told)).isEqualTo(found);
        assertThat(leftovers(environment, gc)).isEmpty();
        snapshot("verify", "words").ended(0);
    }

    private static JsonNode leftovers(Map<String, String> environment, List<String> args) {
        return Stage.run(environment, args.toArray(String[]::new))
                .ended(0)
                .json()
                .get("leftovers");
    }

    @Test
    void a_bucket_that_cannot_be_reached_is_worth_another_try() throws Exception {
        var environment = new java.util.HashMap<>(stage.environment());
        try (var free = new java.net.ServerSocket(0)) {
            environment.put("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:" + free.getLocalPort());
        }

        var ran = Stage.run(environment, "snapshot", "list", "--database", "words")
                .ended(ExitCode.TRY_AGAIN);

        assertThat(ran.err()).contains("dependency", "check endpoint and credentials");
    }
}
