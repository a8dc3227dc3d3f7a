package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.RecordDigest;
import dev.chromacompactor.compaction.Budget;
import dev.chromacompactor.compaction.Recipe;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A worker without a queue: what its jobs send is kept, and the test delivers it. After each job nothing may lie in its
 * scratch directory, and no file in there may be open.
 */
final class Workplace {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    static final Duration GATHER = Duration.ofSeconds(10);

    record Letter(String body, Failure failure) {}

    final ObjectStore store;
    final Path scratch;
    final Deque<String> sent = new ArrayDeque<>();
    /** Of each message sent, when it was not to be received at once. */
    final List<Duration> delays = new ArrayList<>();

    final List<Letter> letters = new ArrayList<>();
    final List<JsonNode> events = new ArrayList<>();
    final Jobs jobs;

    /** Called before anything leaves the job by another way than the store. */
    Runnable beforeSending = () -> {};

    private final Path parent;

    Workplace(ObjectStore store, Path parent) {
        this(store, parent, Duration.ofMillis(1), Duration.ofSeconds(5));
    }

    Workplace(ObjectStore store, Path parent, Duration unlockPoll, Duration unlockWait) {
        this(store, parent, unlockPoll, unlockWait, Room.plenty(parent.resolve("jobs")));
    }

    /** With so much room, whatever the machine has. */
    Workplace(ObjectStore store, Path parent, Budget budget) {
        this(store, parent, Duration.ofMillis(1), Duration.ofSeconds(5), budget);
    }

    private Workplace(ObjectStore store, Path parent, Duration unlockPoll, Duration unlockWait, Budget budget) {
        this.store = store;
        this.parent = parent;
        this.scratch = parent.resolve("jobs");
        var tools = new Tools(
                name -> store,
                store.bucket(),
                new Sender() {
                    @Override
                    public void send(List<String> bodies) {
                        send(bodies, Duration.ZERO);
                    }

                    @Override
                    public void send(List<String> bodies, Duration delay) {
                        beforeSending.run();
                        sent.addAll(bodies);
                        bodies.forEach(_ -> delays.add(delay));
                    }
                },
                (body, failure) -> {
                    beforeSending.run();
                    letters.add(new Letter(body, failure));
                },
                bodies -> {
                    beforeSending.run();
                    bodies.forEach(body -> events.add(tree(body)));
                },
                new Recipe(budget, unlockPoll, unlockWait, Archives.Limits.DEFAULT),
                "test");
        jobs = new Jobs(tools, InstantSource.system(), GATHER, Retries.ofDependency(Duration.ofMillis(1)));
    }

    /** Where the delta of this name lies; batches of {@link #enqueue} are of such. */
    static String key(String name) {
        return "words/delta/" + name + "/";
    }

    /** Plans a batch for collection "words", each delta a chunk of its own, and sends its messages. */
    void enqueue(String batch, Policy policy, String... names) {
        var producer = new Producer(store, "words");
        var deltas = Stream.of(names).map(name -> producer.named(key(name))).toList();
        producer.send(producer.plan(batch, deltas, 1, policy, "words"), sent::addAll);
    }

    Outcome deliver(String body) {
        return deliver(body, Map.of());
    }

    Outcome deliver(String body, Map<String, String> attributes) {
        var before = openFiles();
        try {
            return jobs.handle(new Delivery("m", body, attributes, 1, 0));
        } finally {
            assertThat(leftovers()).as("left in scratch by %s", body).isEmpty();
            assertThat(openFiles()).as("open after %s", body).isEqualTo(before);
        }
    }

    /** Delivers what the jobs sent, and what that sends, until nothing is left. Each must be done. */
    void drain() {
        while (!sent.isEmpty()) {
            String body = sent.removeFirst();
            assertThat(deliver(body)).as(body).isInstanceOf(Outcome.Done.class);
        }
    }

    void done(String body) {
        assertThat(deliver(body)).as(body).isInstanceOf(Outcome.Done.class);
    }

    Failure refused(String body) {
        return refused(body, Map.of());
    }

    Failure refused(String body, Map<String, String> attributes) {
        Outcome outcome = deliver(body, attributes);
        assertThat(outcome).as(body).isInstanceOf(Outcome.DeadLetter.class);
        return ((Outcome.DeadLetter) outcome).failure();
    }

    Failure postponed(String body) {
        Outcome outcome = deliver(body);
        assertThat(outcome).as(body).isInstanceOf(Outcome.RetryLater.class);
        return ((Outcome.RetryLater) outcome).failure();
    }

    SnapshotCatalog catalog(String database) {
        return new SnapshotCatalog(store, database);
    }

    Manifest live(String database) {
        Live live = catalog(database).live();
        assertThat(live).isInstanceOf(Live.Ours.class);
        return ((Live.Ours) live).manifest();
    }

    String digest(String database) {
        return String.valueOf(live(database).contents().recordDigest());
    }

    /** Downloads the live version and reads every record of it again. */
    String digestOfFiles(String database) {
        Path directory = directory();
        catalog(database).download(live(database), directory);
        try (ChromaDatabase opened = ChromaDatabase.open(directory)) {
            return RecordDigest.of(opened);
        }
    }

    Receipt chunk(String batch, int index) {
        return new Receipts(store).chunk(batch, index).orElseThrow();
    }

    Receipt group(String batch, int index) {
        return new Receipts(store).group(batch, index).orElseThrow();
    }

    Published published(String batch) {
        String key = BatchKeys.published(batch);
        return Json.read(store.read(key).orElseThrow().bytes(), Published.class, key);
    }

    boolean has(String key) {
        return store.head(key).isPresent();
    }

    Path directory() {
        try {
            return Files.createTempDirectory(parent, "dir");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<Path> leftovers() {
        if (!Files.isDirectory(scratch)) {
            return List.of();
        }
        try (var all = Files.list(scratch)) {
            return all.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files this process has open, without the JVM's own libraries and what is no file. */
    private static Set<String> openFiles() {
        var open = new TreeSet<String>();
        try (var all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path each : all) {
                try {
                    String target = Files.readSymbolicLink(each).toString();
                    if (isOurs(target)) {
                        open.add(each.getFileName() + " " + target);
                    }
                } catch (IOException e) {
                    // The descriptor of the listing itself, closed since.
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return open;
    }

    /** The embedded S3 lives in this process too, and lets go of a body a moment after its last byte has arrived here. */
    private static boolean isOurs(String target) {
        return target.startsWith("/")
                && !target.endsWith(".jar")
                && !target.startsWith("/proc/")
                && !target.contains("/compactor-s3-");
    }

    static JsonNode tree(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
