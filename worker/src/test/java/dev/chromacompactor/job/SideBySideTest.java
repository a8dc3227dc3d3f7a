package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Interposed;
import dev.chromacompactor.store.MemoryObjectStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Transfers run beside one another and beside what is done with their results. */
class SideBySideTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final int SECONDS = 30;

    /** What a download waits for; nothing unless a test says so. */
    @FunctionalInterface
    private interface Hold {
        void on(String key) throws InterruptedException;
    }

    @TempDir
    Path scratch;

    private final MemoryObjectStore memory = new MemoryObjectStore("bucket");
    private Hold hold = _ -> {};

    private final Interposed store = new Interposed(memory) {
        @Override
        public ObjectInfo download(String key, @Nullable String etag, Path target) {
            try {
                hold.on(key);
            } catch (InterruptedException e) {
                throw FailureException.input("interrupted", key);
            }
            return super.download(key, etag, target);
        }
    };

    private Workplace worker(String name) throws IOException {
        return new Workplace(store, Files.createDirectories(scratch.resolve(name)));
    }

    private static String chunk(String batch, String... deltas) {
        var list = new StringBuilder();
        for (String delta : deltas) {
            list.append(list.isEmpty() ? "" : ",").append("{\"delta_key\":\"words/delta/%s/\"}".formatted(delta));
        }
        return """
                {"operation":"process_chunk","batch_id":"%s","chunk_index":0,"database":"words","delta_results":[%s]}""".formatted(batch, list);
    }

    private static String publish(String batch) {
        return """
                {"operation":"final_merge","batch_id":"%s","database":"words","total_chunks":1}""".formatted(batch);
    }

    private void put(String name, int vector) {
        var _ = SmallDelta.writtenAt(MONDAY.plusSeconds(vector))
                .upsert(name, vector)
                .put(memory, "words/delta/" + name + "/", scratch);
    }

    @Test
    void base_and_intermediates_are_fetched_at_the_same_time() throws Exception {
        put("a", 1);
        put("b", 2);
        var one = worker("one");
        one.done(chunk("first", "a"));
        one.done(publish("first"));
        one.done(chunk("second", "b"));
        var base = new CountDownLatch(1);
        var intermediate = new CountDownLatch(1);
        hold = key -> {
            boolean ofBatch = key.startsWith("intermediate/");
            var mine = ofBatch ? intermediate : base;
            var other = ofBatch ? base : intermediate;
            mine.countDown();
            assertThat(other.await(SECONDS, TimeUnit.SECONDS))
                    .as("beside " + key)
                    .isTrue();
        };

        var two = worker("two");
        two.done(publish("second"));

        assertThat(two.live("words").contents().records()).isEqualTo(2);
    }

    @Test
    void a_broken_delta_fails_its_chunk_though_another_never_arrives() throws Exception {
        memory.put("words/delta/a/chroma.sqlite3", "no database".getBytes(StandardCharsets.UTF_8));
        put("b", 2);
        hold = key -> assertThat(!key.contains("/b/") || new CountDownLatch(1).await(SECONDS, TimeUnit.SECONDS))
                .as("nobody waits for " + key)
                .isTrue();

        assertThat(worker("one").refused(chunk("first", "a", "b")).message()).contains("words/delta/a/");
    }
}
