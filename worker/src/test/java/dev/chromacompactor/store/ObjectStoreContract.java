package dev.chromacompactor.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.store.PutOutcome.Lost;
import dev.chromacompactor.store.PutOutcome.Won;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every {@link ObjectStore} must do. A backend is added by a subclass that says where it is. */
abstract class ObjectStoreContract {
    private static final int THREADS = 64;

    /** Below this prefix nobody else writes. */
    private String own;

    @TempDir
    Path directory;

    @BeforeEach
    void choosePrefix() {
        own = "contract/" + UUID.randomUUID() + "/";
    }

    /** The same bucket each time; it exists. */
    abstract ObjectStore store();

    /** Fewer for a slow backend. */
    int rounds() {
        return 200;
    }

    @Test
    void what_was_put_is_read_back_with_size_and_the_same_etag() {
        var key = own + "a";
        var etag = store().put(key, bytes("hello"));

        var content = store().read(key).orElseThrow();
        assertThat(content.bytes()).isEqualTo(bytes("hello"));
        assertThat(content.info()).isEqualTo(store().head(key).orElseThrow());
        assertThat(content.info().key()).isEqualTo(key);
        assertThat(content.info().size()).isEqualTo(5);
        assertThat(content.info().etag()).isEqualTo(etag);
        assertThat(store().list(key)).containsExactly(content.info());
    }

    @Test
    void etags_bear_no_quotes_wherever_they_come_from() {
        var key = own + "a";
        assertThat(store().put(key, bytes("1"))).doesNotContain("\"");
        assertThat(store().head(key).orElseThrow().etag()).doesNotContain("\"");
        assertThat(store().read(key).orElseThrow().info().etag()).doesNotContain("\"");
        assertThat(store().list(own)).extracting(ObjectInfo::etag).noneMatch(e -> e.contains("\""));
        assertThat(((Won) store().putIfAbsent(own + "b", bytes("1"))).etag()).doesNotContain("\"");
    }

    @Test
    void a_missing_object_is_empty_not_an_error() {
        assertThat(store().head(own + "nothing")).isEmpty();
        assertThat(store().read(own + "nothing")).isEmpty();
        assertThat(store().open(own + "nothing")).isEmpty();
        assertThat(store().list(own)).isEmpty();
        assertThat(store().folders(own)).isEmpty();
    }

    @Test
    void an_empty_object_is_an_object() {
        var key = own + "empty";
        store().put(key, new byte[0]);
        assertThat(store().read(key).orElseThrow().bytes()).isEmpty();
        assertThat(store().head(key).orElseThrow().size()).isZero();
    }

    @Test
    void a_stream_may_be_left_early() throws IOException {
        var key = own + "long";
        store().put(key, new byte[3 << 20]);
        try (var in = store().open(key).orElseThrow()) {
            assertThat(in.readNBytes(10)).hasSize(10);
        }
        try (var in = store().open(key).orElseThrow()) {
            assertThat(in.readAllBytes()).hasSize(3 << 20);
        }
    }

    @Test
    void keys_are_any_text() {
        for (var name : List.of("with space", "plus+and&", "ü-日本", "percent%2F", "a//b", "quote\"'", "dots/../x")) {
            var key = own + name;
            store().put(key, bytes(name));
            assertThat(store().read(key).orElseThrow().bytes()).isEqualTo(bytes(name));
            assertThat(store().list(key)).extracting(ObjectInfo::key).containsExactly(key);
        }
    }

    @Test
    void put_if_absent_wins_once() {
        var key = own + "a";
        var first = store().putIfAbsent(key, bytes("first"));
        assertThat(first).isInstanceOf(Won.class);
        assertThat(store().putIfAbsent(key, bytes("second"))).isEqualTo(new Lost());
        assertThat(store().read(key).orElseThrow().bytes()).isEqualTo(bytes("first"));
        assertThat(store().head(key).orElseThrow().etag()).isEqualTo(((Won) first).etag());
    }

    @Test
    void put_if_match_replaces_only_what_was_seen() {
        var key = own + "a";
        var old = store().put(key, bytes("old"));
        var won = (Won) store().putIfMatch(key, bytes("new"), old);
        assertThat(store().putIfMatch(key, bytes("late"), old)).isEqualTo(new Lost());
        assertThat(store().read(key).orElseThrow().bytes()).isEqualTo(bytes("new"));
        assertThat(store().head(key).orElseThrow().etag()).isEqualTo(won.etag());
    }

    @Test
    void put_if_match_on_a_missing_key_is_lost() {
        assertThat(store().putIfMatch(own + "nothing", bytes("x"), "0123456789abcdef0123456789abcdef"))
                .isEqualTo(new Lost());
        assertThat(store().head(own + "nothing")).isEmpty();
    }

    @Test
    void after_a_delete_the_key_can_be_created_again() {
        var key = own + "a";
        var etag = store().put(key, bytes("1"));
        store().delete(List.of(key));
        assertThat(store().putIfMatch(key, bytes("2"), etag)).isEqualTo(new Lost());
        assertThat(store().putIfAbsent(key, bytes("2"))).isInstanceOf(Won.class);
    }

    @Test
    void of_64_creators_one_wins_each_round() throws Exception {
        try (var racers = new Racers()) {
            for (int round = 0; round < rounds(); round++) {
                var key = own + "round-" + round;
                assertOneWinner(key, racers.race(i -> () -> store().putIfAbsent(key, bytes("by " + i))));
            }
        }
    }

    @Test
    void of_64_replacers_one_wins_each_round() throws Exception {
        var key = own + "pointer";
        store().put(key, bytes("start"));
        try (var racers = new Racers()) {
            for (int round = 0; round < rounds(); round++) {
                var seen = store().head(key).orElseThrow().etag();
                var name = "round " + round + " by ";
                assertOneWinner(key, racers.race(i -> () -> store().putIfMatch(key, bytes(name + i), seen)));
            }
        }
    }

    private void assertOneWinner(String key, List<PutOutcome> outcomes) {
        assertThat(outcomes).filteredOn(o -> o instanceof Won).hasSize(1);
        var winner = outcomes.stream().filter(o -> o instanceof Won).findFirst().orElseThrow();
        var content = store().read(key).orElseThrow();
        assertThat(content.info().etag()).isEqualTo(((Won) winner).etag());
        assertThat(new String(content.bytes(), UTF_8)).endsWith("by " + outcomes.indexOf(winner));
    }

    @Test
    void a_counter_kept_by_put_if_match_loses_no_count() throws Exception {
        var key = own + "counter";
        store().put(key, bytes("0"));
        try (var pool = Executors.newFixedThreadPool(8)) {
            var runs = IntStream.range(0, 200)
                    .mapToObj(i -> pool.submit(() -> increment(key)))
                    .toList();
            for (var run : runs) {
                run.get();
            }
        }
        assertThat(new String(store().read(key).orElseThrow().bytes(), UTF_8)).isEqualTo("200");
    }

    private void increment(String key) {
        while (true) {
            var seen = store().read(key).orElseThrow();
            int next = Integer.parseInt(new String(seen.bytes(), UTF_8)) + 1;
            if (store().putIfMatch(key, bytes("" + next), seen.info().etag()) instanceof Won) {
                return;
            }
        }
    }

    @Test
    void a_listing_goes_beyond_a_thousand_in_key_order() throws Exception {
        var keys = IntStream.range(0, 1_234)
                .mapToObj(i -> own + "k/%05d".formatted(i))
                .toList();
        try (var pool = Executors.newFixedThreadPool(16)) {
            pool.invokeAll(keys.stream()
                    .map(k -> (Callable<String>) () -> store().put(k, bytes("x")))
                    .toList());
        }
        assertThat(store().list(own + "k/")).extracting(ObjectInfo::key).isEqualTo(keys);

        store().delete(keys);
        assertThat(store().list(own)).isEmpty();
    }

    @Test
    void a_prefix_is_text_not_a_folder() {
        store().put(own + "abc/1", bytes("1"));
        store().put(own + "abc1/1", bytes("1"));
        store().put(own + "abc", bytes("1"));
        assertThat(store().list(own + "abc/")).extracting(ObjectInfo::key).containsExactly(own + "abc/1");
        assertThat(store().list(own + "abc"))
                .extracting(ObjectInfo::key)
                .containsExactly(own + "abc", own + "abc/1", own + "abc1/1");
    }

    @Test
    void folders_are_the_names_directly_below() {
        for (var key : List.of("b/x/1", "b/2", "a/1", "file", "c/")) {
            store().put(own + key, bytes("1"));
        }
        assertThat(store().folders(own)).containsExactly("a/", "b/", "c/");
        assertThat(store().folders(own + "b/")).containsExactly("x/");
        assertThat(store().folders(own + "nothing/")).isEmpty();
    }

    @Test
    void deleting_what_is_not_there_is_no_error() {
        store().put(own + "a", bytes("1"));
        store().delete(List.of());
        store().delete(List.of(own + "a", own + "nothing"));
        store().delete(List.of(own + "a"));
        assertThat(store().list(own)).isEmpty();
    }

    @Test
    void the_clock_is_near_ours_and_in_whole_seconds() {
        store().put(own + "a", bytes("1"));
        assertThat(store().now())
                .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
        var modified = store().head(own + "a").orElseThrow().lastModified();
        assertThat(modified).isEqualTo(modified.truncatedTo(ChronoUnit.SECONDS));
        assertThat(Duration.between(modified, store().now()).abs()).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void a_download_is_the_object_and_nothing_else() throws IOException {
        var key = own + "a";
        var etag = store().put(key, bytes("hello"));
        var target = directory.resolve("a");
        var info = store().download(key, etag, target);
        assertThat(target).hasContent("hello");
        assertThat(info).isEqualTo(store().head(key).orElseThrow());
        assertThat(leftIn(directory)).containsExactly(target);

        store().download(key, null, directory.resolve("b"));
        assertThat(directory.resolve("b")).hasContent("hello");
    }

    @Test
    void a_download_of_a_replaced_object_is_doubtful_and_leaves_nothing() throws IOException {
        var key = own + "a";
        var etag = store().put(key, bytes("old"));
        store().put(key, bytes("new"));
        assertFails(() -> store().download(key, etag, directory.resolve("a")), Blame.DOUBTFUL, "object-replaced");
        store().delete(List.of(key));
        assertFails(() -> store().download(key, etag, directory.resolve("a")), Blame.DOUBTFUL, "object-replaced");
        assertFails(() -> store().download(key, null, directory.resolve("a")), Blame.INPUT, "object-missing");
        assertThat(leftIn(directory)).isEmpty();
    }

    @Test
    void a_download_overwrites_no_file() throws IOException {
        var target = Files.writeString(directory.resolve("a"), "mine");
        store().put(own + "a", bytes("theirs"));
        assertFails(() -> store().download(own + "a", null, target), Blame.NODE, "file-exists");
        assertThat(target).hasContent("mine");
    }

    @Test
    void a_large_file_goes_up_and_down_unchanged() throws IOException {
        var file = randomFile("large", 70 << 20); // beyond one request
        var key = own + "large";
        var etag = store().put(key, file);
        var info = store().download(key, etag, directory.resolve("back"));
        assertThat(info.size()).isEqualTo(70 << 20);
        assertThat(Files.mismatch(file, directory.resolve("back"))).isEqualTo(-1);
        assertThat(store().list(own)).containsExactly(info);
    }

    @Test
    void a_file_of_any_size_is_created_once() throws IOException {
        for (int size : new int[] {0, 1000, 65 << 20}) {
            var key = own + size;
            var file = randomFile("file-" + size, size);
            var won = (Won) store().putIfAbsent(key, file);
            assertThat(store().head(key).orElseThrow().etag()).isEqualTo(won.etag());

            var other = randomFile("other-" + size, Math.max(size, 1));
            assertThat(store().putIfAbsent(key, other)).isEqualTo(new Lost());
            store().download(key, won.etag(), directory.resolve("back-" + size));
            assertThat(Files.mismatch(file, directory.resolve("back-" + size))).isEqualTo(-1);
        }
    }

    @Test
    void a_copy_is_the_object_under_another_key_whatever_lay_there() throws IOException {
        for (int size : new int[] {0, 1000, 65 << 20}) {
            var file = randomFile("file-" + size, size);
            var source = own + "with space+" + size + ".json";
            store().put(source, file);
            store().put(own + "copy-" + size, bytes("before"));

            var etag = store().copy(source, own + "copy-" + size);

            var info = store().download(own + "copy-" + size, etag, directory.resolve("back-" + size));
            assertThat(info.size()).isEqualTo(size);
            assertThat(Files.mismatch(file, directory.resolve("back-" + size))).isEqualTo(-1);
            assertThat(store().head(source)).isPresent();
        }
    }

    @Test
    void a_copy_of_nothing_is_refused_and_leaves_nothing() {
        assertFails(() -> store().copy(own + "nothing", own + "copy"), Blame.INPUT, "object-missing");
        assertThat(store().list(own)).isEmpty();
    }

    static void assertFails(Runnable call, Blame blame, String reason) {
        assertThatThrownBy(call::run).isInstanceOfSatisfying(FailureException.class, e -> {
            assertThat(e.failure().blame()).isEqualTo(blame);
            assertThat(e.failure().reason()).isEqualTo(reason);
        });
    }

    private Path randomFile(String name, int size) throws IOException {
        var bytes = new byte[size];
        new Random(size + name.hashCode()).nextBytes(bytes);
        return Files.write(directory.resolve(name), bytes);
    }

    static List<Path> leftIn(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return files.toList();
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    /** Threads that set off together. */
    private static final class Racers implements AutoCloseable {
        private final ExecutorService pool = Executors.newFixedThreadPool(THREADS);
        private final CyclicBarrier start = new CyclicBarrier(THREADS);

        <T> List<T> race(IntFunction<Callable<T>> racer) throws Exception {
            var runs = IntStream.range(0, THREADS)
                    .mapToObj(racer)
                    .map(run -> pool.submit(() -> {
                        start.await();
                        return run.call();
                    }))
                    .toList();
            var results = new ArrayList<T>();
            for (var run : runs) {
                results.add(run.get());
            }
            return results;
        }

        @Override
        public void close() {
            pool.shutdownNow();
        }
    }
}
