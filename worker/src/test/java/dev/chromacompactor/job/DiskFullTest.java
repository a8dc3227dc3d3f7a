package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.store.S3Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * A disk that gets full in the middle, with more room each time until the job succeeds: whatever step it hits, the fault is this
 * machine's, the message is handed back, and nothing is left. The admission is told that there is plenty of room.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(600)
class DiskFullTest {
    private static final int STEP = 48 << 10;
    private static final int DISK = 4 << 20;
    private static final int RECORDS = 1500;

    @TempDir
    Path directory;

    private Path disk;
    private S3Client client;
    private S3ObjectStores stores;
    private Workplace work;

    @BeforeEach
    void mount() throws Exception {
        disk = Files.createDirectory(directory.resolve("disk"));
        boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=" + DISK, "tmpfs", disk.toString());
        if (!mounted && "true".equals(System.getenv("CI"))) {
            fail("a small file system is needed, and mounting a tmpfs needs root");
        }
        assumeTrue(mounted, "mounting a tmpfs needs root");
        var servers = TestServers.shared();
        client = S3Client.builder()
                .endpointOverride(servers.s3Endpoint())
                .region(Region.of(servers.region()))
                .forcePathStyle(true)
                .credentialsProvider(TestServers.CREDENTIALS)
                .build();
        stores = new S3ObjectStores(S3Settings.at(servers.s3Endpoint(), servers.region()), TestServers.CREDENTIALS);
        String bucket = "full-" + UUID.randomUUID();
        client.createBucket(r -> r.bucket(bucket));
        work = new Workplace(stores.bucket(bucket), disk);
    }

    @AfterEach
    void unmount() throws Exception {
        if (stores != null) {
            stores.close();
            client.close();
            assertThat(run("umount", disk.toString())).isTrue();
        }
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
        } catch (IOException e) {
            return false; // no such program
        }
    }

    @Test
    void whatever_step_it_hits_the_message_is_handed_back_and_nothing_is_left() throws Exception {
        var delta = SmallDelta.writtenAt(Instant.parse("2026-11-02T08:00:00Z"));
        for (int i = 0; i < RECORDS; i++) {
            delta.upsert("id" + i, i);
        }
        var _ = delta.put(work.store, "words/delta/a/", directory);
        String chunk = StageMessages.processChunk(
                "one", 0, "words", List.of(new DeltaRef(null, "words/delta/a/", null, null, null)));

        assertThat(untilDone(chunk)).contains("download", "chroma.sqlite3");
        assertThat(work.chunk("one", 0).records()).isEqualTo(RECORDS);

        String group = """
                {"operation":"merge_chunk_group","batch_id":"one-group-0","group_index":0,"database":"words",
                 "chunk_group":["intermediate/one/chunk-0/"]}""";
        assertThat(untilDone(group)).contains("download", "chroma.sqlite3");

        String publish = """
                {"operation":"final_merge","batch_id":"one","database":"words","total_chunks":1}""";
        assertThat(untilDone(publish)).contains("download", "chroma.sqlite3", "index");
        assertThat(work.live("words").contents().records()).isEqualTo(RECORDS);
        assertThat(work.digestOfFiles("words")).isEqualTo(work.digest("words"));
    }

    /** The steps at which it failed on the way. */
    private Set<String> untilDone(String body) throws IOException {
        Set<String> steps = new TreeSet<>();
        for (int free = 0; free < DISK; free += STEP) {
            leave(free);
            switch (work.deliver(body)) {
                case Outcome.Done _ -> {
                    leave(DISK);
                    return steps;
                }
                case Outcome.HandBack(Failure failure) -> {
                    assertThat(failure.blame()).as(failure.toString()).isEqualTo(Blame.NODE);
                    assertThat(failure.reason()).as(failure.toString()).isIn("disk-full", "scratch-unwritable");
                    steps.add(step(failure));
                }
                case Outcome other -> throw new AssertionError(free + " bytes free: " + other);
            }
            assertThat(work.sent).isEmpty();
        }
        throw new AssertionError("not done with " + DISK + " bytes, failed at " + steps);
    }

    private static String step(Failure failure) {
        String message = failure.message();
        if (failure.reason().equals("scratch-unwritable")) {
            return "scratch";
        }
        if (message.contains("download")) {
            return "download";
        }
        if (message.contains("writing the index")) {
            return "index";
        }
        return message.contains("vectors in the scratch of a fold") ? "vectors" : "chroma.sqlite3";
    }

    /** Somebody else takes the rest of the disk. */
    private void leave(int free) throws IOException {
        Path ballast = disk.resolve("ballast");
        Files.deleteIfExists(ballast);
        int taken = (int) Math.max(0, Files.getFileStore(disk).getUsableSpace() - free);
        Files.write(ballast, new byte[taken]);
    }
}
