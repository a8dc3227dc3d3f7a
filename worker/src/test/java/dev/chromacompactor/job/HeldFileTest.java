package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.store.MemoryObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Another process holds the finished file: nothing is uploaded. */
@EnabledOnOs(OS.LINUX)
class HeldFileTest {
    @TempDir
    Path scratch;

    @Test
    @Timeout(60)
    void a_file_that_another_process_holds_is_not_uploaded_and_its_holder_is_named() {
        var store = new MemoryObjectStore("bucket");
        // The poll is long so that the other process, which opens the file as soon as it sees it, is sure to be seen.
        var work = new Workplace(store, scratch, Duration.ofSeconds(1), Duration.ofSeconds(2));
        SmallDelta.writtenAt(Instant.parse("2026-11-02T08:00:00Z"))
                .upsert("x", 1)
                .put(store, "words/delta/a/", scratch);
        String body = StageMessages.processChunk(
                "one", 0, "words", List.of(new DeltaRef(null, "words/delta/a/", null, null, null)));

        var stop = new AtomicBoolean();
        var holder = CompletableFuture.supplyAsync(() -> holdWhenThere(work.scratch, stop));
        Outcome outcome = work.deliver(body);
        stop.set(true);
        Process process = holder.join();
        process.destroyForcibly();

        assertThat(outcome).isInstanceOf(Outcome.HandBack.class);
        Failure failure = ((Outcome.HandBack) outcome).failure();
        assertThat(failure.blame()).isEqualTo(Blame.NODE);
        assertThat(failure.reason()).isEqualTo("files-still-locked");
        assertThat(failure.message()).contains("chroma.sqlite3 is open in pid " + process.pid(), "sh -c");
        assertThat(store.list("intermediate/")).isEmpty();
        assertThat(store.list("batches/")).isEmpty();

        work.done(body);
        assertThat(work.has("intermediate/one/chunk-0/chroma.sqlite3")).isTrue();
    }

    /** Starts a process that opens the intermediate, and opens it anew should it be replaced. */
    private static Process holdWhenThere(Path jobs, AtomicBoolean stop) {
        try {
            while (!stop.get()) {
                if (Files.isDirectory(jobs)) {
                    try (var below = Files.newDirectoryStream(jobs)) {
                        for (Path job : below) {
                            Path file = job.resolve("intermediate/chroma.sqlite3");
                            if (Files.exists(file)) {
                                return new ProcessBuilder("sh", "-c", "while exec 3<'" + file + "'; do sleep 0.1; done")
                                        .start();
                            }
                        }
                    }
                }
                LockSupport.parkNanos(2_000_000);
            }
            throw new IllegalStateException("no intermediate was made");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
