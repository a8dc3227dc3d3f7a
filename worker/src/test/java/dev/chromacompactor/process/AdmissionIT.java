package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.chromacompactor.chroma.ChromaFixtures;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The worker, with less disk and memory than its jobs want. */
@EnabledOnOs(OS.LINUX)
class AdmissionIT {
    private final Backend backend = Backend.shared();

    @TempDir
    Path directory;

    private static String chunk(String database, String key) {
        return """
                {"operation":"process_chunk","batch_id":"%1$s","chunk_index":0,"database":"%1$s",
                 "delta_results":[{"delta_key":"%2$s"}]}""".formatted(database, key);
    }

    @Test
    void what_can_never_fit_is_a_dead_letter_that_names_bytes_and_what_to_change() throws Exception {
        var queues = backend.queues("never-fits");
        var environment = backend.environment(
                queues,
                "COMPACTOR_SCRATCH_MIB",
                "1",
                "COMPACTOR_SCRATCH_DIR",
                directory.resolve("s").toString());
        var keys = SmallDeltas.put(backend.bucket(), "neverfits", 1, directory);
        try (var worker = Program.start(environment, "worker")) {
            backend.send(queues.url(), chunk("neverfits", keys.getFirst()));
            await().atMost(Backend.PATIENCE).until(() -> backend.messages(queues.deadLetters()) == 1);

            var letters = Program.run(environment, "dlq", "list", "--json");
            assertThat(letters.out())
                    .contains("too-large-for-worker", "of disk, this worker has 1.0 MiB", "COMPACTOR_SCRATCH_MIB");
            assertThat(worker.isAlive()).isTrue();
            worker.signal("TERM");
            assertThat(worker.await(Program.STOP)).isEqualTo(143);
        }
    }

    @Test
    void a_job_waits_while_others_have_filled_the_disk_and_goes_on_when_it_is_free() throws Exception {
        boolean possible = new ProcessBuilder("unshare", "-rm", "true").start().waitFor() == 0;
        if (!possible && "true".equals(System.getenv("CI"))) {
            fail("a small file system is needed, and mounting one needs namespaces");
        }
        assumeTrue(possible, "mounting a small file system needs namespaces");
        var queues = backend.queues("full-disk");
        Path disk = Files.createDirectory(directory.resolve("disk"));
        var environment =
                backend.environment(queues, "COMPACTOR_VISIBILITY", "PT3S", "COMPACTOR_SCRATCH_DIR", disk.toString());
        var keys = SmallDeltas.put(backend.bucket(), "fulldisk", 1, directory);
        try (var worker = Program.startOnDisk(disk, "360m", environment, "worker")) {
            await().atMost(Backend.PATIENCE)
                    .untilAsserted(() -> assertThat(worker.err()).contains("worker started"));
            Path ballast = Path.of("/proc/" + worker.pid() + "/root")
                    .resolve(disk.toString().substring(1));
            // A worker does not begin on so small a disk as it finds itself on now.
            Files.write(ballast.resolve("ballast"), new byte[294 << 20]);

            backend.send(queues.url(), chunk("fulldisk", keys.getFirst()));
            await().atMost(Backend.PATIENCE).until(() -> worker.says("chunk [0] of fulldisk waits for") == 1);
            // Longer than the message is hidden without a heartbeat.
            await().during(Duration.ofSeconds(4))
                    .atMost(Backend.PATIENCE)
                    .until(() -> backend.visible(queues.url()) == 0);
            Files.delete(ballast.resolve("ballast"));

            await().atMost(Backend.PATIENCE).until(() -> backend.messages(queues.url()) == 0);
            assertThat(worker.says("chunk [0] of fulldisk has its room")).isOne();
            assertThat(worker.says("job started")).as("received once").isOne();
            assertThat(backend.messages(queues.deadLetters())).isZero();
            worker.signal("TERM");
            assertThat(worker.await(Program.STOP)).isEqualTo(143);
        }
    }

    /** No model sees a single text of this size coming. */
    @Test
    void a_worker_whose_memory_runs_out_hands_the_message_back_and_lives_on() throws Exception {
        var queues = backend.queues("out-of-memory");
        Path scratch = directory.resolve("scratch");
        var environment = backend.environment(
                queues, "COMPACTOR_JAVA_OPTS", "-Xmx96m", "COMPACTOR_SCRATCH_DIR", scratch.toString());
        Path delta = ChromaFixtures.unpack("1.5.9", "small_wal", directory.resolve("huge"));
        try (var database = DriverManager.getConnection("jdbc:sqlite:" + delta.resolve("chroma.sqlite3"));
                var statement = database.createStatement()) {
            statement.executeUpdate("UPDATE embeddings_queue SET metadata ="
                    + " json_object('chroma:document', replace(hex(zeroblob(40000000)), '00', 'ab'))"
                    + " WHERE seq_id = (SELECT max(seq_id) FROM embeddings_queue)");
        }
        var _ = backend.bucket().put("memory/delta/huge/chroma.sqlite3", delta.resolve("chroma.sqlite3"));
        try (var worker = Program.start(environment, "worker")) {
            backend.send(queues.url(), chunk("memory", "memory/delta/huge/"));
            await().atMost(Backend.PATIENCE).until(() -> worker.says("worker-broken") >= 1);

            await().atMost(Backend.PATIENCE).until(() -> left(scratch).isEmpty());
            assertThat(worker.isAlive()).isTrue();
            assertThat(backend.messages(queues.deadLetters())).isZero();
            worker.signal("TERM");
            assertThat(worker.await(Program.STOP)).isEqualTo(143);
        }
        assertThat(backend.messages(queues.url())).as("still there").isOne();
    }

    /** Files and directories of jobs. */
    private static List<Path> left(Path scratch) throws Exception {
        try (var all = Files.walk(scratch)) {
            return all.filter(path -> scratch.relativize(path).getNameCount() > 2)
                    .toList();
        }
    }
}
