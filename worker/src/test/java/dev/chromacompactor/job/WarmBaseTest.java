package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.compaction.Budget;
import dev.chromacompactor.compaction.Footprint;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.snapshot.Interposed;
import dev.chromacompactor.store.MemoryObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker has published it does not download, as long as that is what it says it is. */
class WarmBaseTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final long MIB = 1L << 20;

    @TempDir
    Path scratch;

    private final MemoryObjectStore memory = new MemoryObjectStore("bucket");
    private final List<String> downloads = new CopyOnWriteArrayList<>();
    private final List<SmallDelta> written = new ArrayList<>();

    private final Interposed store = new Interposed(memory) {
        @Override
        public ObjectInfo download(String key, @Nullable String etag, Path target) {
            if (key.contains("/snapshot/")) {
                downloads.add(key);
            }
            return super.download(key, etag, target);
        }
    };

    /** A worker with a disk of its own. */
    private Workplace worker(String name) {
        return worker(Room.plenty(scratch.resolve(name).resolve("jobs")), scratch.resolve(name));
    }

    private Workplace worker(Budget budget, Path directory) {
        try {
            return new Workplace(store, Files.createDirectories(directory), budget);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void publish(Workplace work, String database) {
        int number = written.size();
        String name = database + number;
        written.add(SmallDelta.writtenAt(MONDAY.plusSeconds(number))
                .upsert(name, number)
                .put(memory, database + "/delta/" + name + "/", scratch));
        work.done("""
                {"operation":"process_chunk","batch_id":"%s","chunk_index":0,"database":"%s",
                 "delta_results":[{"delta_key":"%s/delta/%s/"}]}""".formatted(name, database, database, name));
        work.done("""
                {"operation":"final_merge","batch_id":"%s","database":"%s","total_chunks":1}""".formatted(name, database));
    }

    private void holdsAll(Workplace work) {
        assertThat(work.digestOfFiles("words")).isEqualTo(SmallDelta.digest("words", written));
        downloads.clear();
    }

    private static List<Path> kept(Workplace work) {
        Path warm = work.scratch.resolveSibling("warm");
        if (!Files.isDirectory(warm)) {
            return List.of();
        }
        try (var all = Files.list(warm)) {
            return all.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void the_worker_that_published_last_downloads_nothing_of_its_base() {
        var work = worker("one");
        for (int i = 0; i < 4; i++) {
            publish(work, "words");
            assertThat(downloads).isEmpty();
            assertThat(kept(work))
                    .singleElement()
                    .satisfies(kept ->
                            assertThat(kept).hasFileName(work.live("words").version()));
        }
        holdsAll(work);
        publish(work, "words");
        holdsAll(work);
    }

    @Test
    void what_another_worker_has_published_is_downloaded_and_the_old_version_goes() {
        var one = worker("one");
        var two = worker("two");
        publish(one, "words");
        publish(two, "words");
        assertThat(downloads).as("by the second").isNotEmpty();
        downloads.clear();
        publish(one, "words");
        assertThat(downloads).as("by the first").isNotEmpty();
        assertThat(kept(one)).hasSize(1);
        holdsAll(one);
    }

    @Test
    void a_copy_that_was_touched_is_noticed_and_downloaded_anew() throws IOException {
        var work = worker("one");
        publish(work, "words");
        Path file = kept(work).getFirst().resolve("chroma.sqlite3");
        var time = Files.getLastModifiedTime(file);
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 100] ^= 1;
        Files.write(file, bytes, StandardOpenOption.TRUNCATE_EXISTING);
        Files.setLastModifiedTime(file, time);

        publish(work, "words");
        assertThat(downloads).isNotEmpty();
        holdsAll(work);
    }

    @Test
    void a_copy_that_is_gone_or_has_grown_a_file_is_downloaded_anew() throws IOException {
        var work = worker("one");
        publish(work, "words");
        Files.writeString(kept(work).getFirst().resolve("chroma.sqlite3-wal"), "not ours");
        publish(work, "words");
        assertThat(downloads).isNotEmpty();
        downloads.clear();
        Files.move(kept(work).getFirst(), scratch.resolve("moved away"));
        publish(work, "words");
        assertThat(downloads).isNotEmpty();
        holdsAll(work);
    }

    @Test
    void it_makes_room_for_jobs_and_is_downloaded_when_it_is_wanted_again() {
        Path jobs = scratch.resolve("tight").resolve("jobs");
        Budget budget = Room.of(jobs, new Footprint(12 * MIB, 1L << 40, 1L << 40), Duration.ofMillis(20));
        var work = worker(budget, scratch.resolve("tight"));
        publish(work, "words");
        assertThat(kept(work)).hasSize(1);
        try (Scratch other = budget.scratch("other", "another job")) {
            other.reserve(new Footprint(12 * MIB, 0, 0));
            assertThat(kept(work)).isEmpty();
        }
        publish(work, "words");
        assertThat(downloads).isNotEmpty();
        holdsAll(work);
    }

    @Test
    void it_lies_in_the_directory_of_its_worker_and_goes_with_it() {
        try (Scratch worker = Scratch.below(scratch.resolve("worker"), "worker")) {
            var work = worker(
                    Room.plenty(worker.directory("jobs")), worker.file("jobs").getParent());
            publish(work, "words");
            assertThat(kept(work)).hasSize(1);
        }
        assertThat(scratch.resolve("worker")).isEmptyDirectory();
    }

    @Test
    void one_version_of_each_database_is_kept() {
        var work = worker("one");
        publish(work, "words");
        publish(work, "lines");
        publish(work, "words");
        assertThat(downloads).isEmpty();
        assertThat(kept(work))
                .extracting(kept -> kept.getFileName().toString())
                .containsExactlyInAnyOrder(
                        work.live("words").version(), work.live("lines").version());
    }

    @Test
    void a_base_of_another_writer_is_downloaded_once() throws IOException {
        String version = "20251117_101112_123456_0badcafe";
        SmallDelta.upload(
                memory,
                "words/snapshot/timestamped/" + version + "/",
                ChromaFixtures.unpack("0.6.3", "small_wal", Files.createDirectories(scratch.resolve("legacy"))));
        memory.put("words/snapshot/latest-pointer.txt", version.getBytes(StandardCharsets.UTF_8));
        var work = worker("one");
        publish(work, "words");
        assertThat(downloads).doesNotHaveDuplicates().isNotEmpty();
        assertThat(work.live("words").base()).isEqualTo(version);
        assertThat(work.live("words").contents().records()).isEqualTo(61);
    }
}
