package dev.chromacompactor.cli;

import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.queue.Consumer;
import dev.chromacompactor.queue.DeadLetters;
import dev.chromacompactor.queue.Letter;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.store.ObjectStore;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "demo",
        description = {
            "The whole story on embedded SQS and S3: real deltas of several Chroma versions, some of them broken,",
            "are sent, folded and published; a broken one is repaired and its dead letter replayed. Takes seconds, needs no network."
        },
        footer = {
            "",
            "Examples:",
            "  compactor demo",
            "  compactor demo --out ./demo-snapshot",
            "  compactor demo --on http://127.0.0.1:4566"
        })
final class DemoCommand implements Callable<Integer> {
    private static final String BATCH = "demo-1";
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration DRAIN = Duration.ofSeconds(10);
    private static final int REPLAYS_A_SECOND = 50;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where the snapshot is left for you to open; a temporary directory unless named.")
    private @Nullable Path out;

    @Option(
            names = "--on",
            paramLabel = "URL",
            description = {
                "An endpoint that speaks SQS and S3, such as LocalStack, instead of the embedded ones. The demo makes queues",
                "and a bucket of its own there and removes them at the end. Region: AWS_REGION, or us-east-1."
            })
    private @Nullable URI on;

    private final Context context;
    private final Output output = new Output();

    /** What was said of chunks before. */
    private final Set<String> told = new HashSet<>();

    DemoCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        long started = System.nanoTime();
        Path kept = out != null
                ? out.toAbsolutePath()
                : Files.createTempDirectory("compactor-demo-").resolve("snapshot");
        if (Files.exists(kept)) {
            throw new UsageException("--out " + kept + " exists already: name a directory that does not");
        }
        DemoData data = DemoData.load();
        try (DemoPlace place = place();
                Connection connection =
                        Connection.open(place.environment(), Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET);
                Scratch scratch = Scratch.below(Path.of(System.getProperty("java.io.tmpdir")), "compactor-demo")) {
            say(place.description());
            tell(connection, scratch, data, kept);
        }
        say("");
        say("%.1f s from start to end.".formatted((System.nanoTime() - started) / 1e9));
        return 0;
    }

    private DemoPlace place() {
        Map<String, String> environment = context.environment();
        if (on == null || !(environment.containsKey("AWS_ACCESS_KEY_ID") || environment.containsKey("AWS_PROFILE"))) {
            // What the SDK of both services finds first; stand-ins for AWS take any.
            System.setProperty("aws.accessKeyId", "test");
            System.setProperty("aws.secretAccessKey", "test");
        }
        if (on == null) {
            title("SQS and S3 start inside this process");
            return DemoPlace.here();
        }
        if (on.getHost() == null) {
            throw new UsageException("--on " + on + ": expected a URL such as http://127.0.0.1:4566");
        }
        title("Queues and a bucket of the demo's own are made at " + on);
        return DemoPlace.at(on, environment.getOrDefault("AWS_REGION", "us-east-1"));
    }

    private void tell(Connection connection, Scratch scratch, DemoData data, Path kept)
            throws IOException, InterruptedException {
        upload(connection.store(), scratch, data);
        var producer = new Producer(connection.store(), data.database());
        enqueue(connection, producer, data);
        Consumer consumer = Worker.consumer(connection, scratch);
        consumer.start();
        try {
            title("A worker folds the chunks, refuses what is broken, and publishes the rest");
            follow(connection, producer);
            show(published(connection, data), data.recordsWithoutBroken());
            replay(connection, scratch, data);
            follow(connection, producer);
        } finally {
            consumer.stop(DRAIN);
        }
        title("The snapshot is complete");
        Manifest manifest = published(connection, data);
        show(manifest, data.recordsComplete());
        List<String> problems = connection.catalog(data.database()).verify(manifest.version());
        require(problems.isEmpty(), String.join("; ", problems));
        Files.createDirectories(kept);
        connection.catalog(data.database()).download(manifest, kept);
        ask(data, kept);
    }

    private void upload(ObjectStore store, Scratch scratch, DemoData data) throws IOException {
        title("Producers upload " + data.deltas().size() + " deltas, written by real Chroma");
        for (DemoData.Delta delta : data.deltas()) {
            data.upload(store, delta, delta.file(), scratch);
            say("  %-10s %-16s %3d records  %s"
                    .formatted(delta.name(), delta.writer(), delta.records(), delta.story()));
            if (delta.damage() != null) {
                say("             but " + delta.damage());
            }
        }
        say("  all below s3://" + store.bucket() + "/" + data.database() + "/delta/");
    }

    private void enqueue(Connection connection, Producer producer, DemoData data) {
        title("A batch is enqueued");
        var found = producer.discover(data.database() + "/delta/");
        Plan plan = producer.plan(BATCH, found.fresh(), 1, Policy.PUBLISH, null);
        producer.send(plan, connection.queue());
        say("  batch " + BATCH + ": " + found.fresh().size() + " deltas in "
                + plan.parts().size() + " chunks");
    }

    private void replay(Connection connection, Scratch scratch, DemoData data) throws IOException {
        title("The others are dead letters, each with its reason");
        var letters = new DeadLetters(connection.deadLetterQueue(), connection.queue(), InstantSource.system());
        Set<String> reasons = new TreeSet<>();
        for (Letter letter : letters.list(Letter.Filter.ALL, DeadLetters.Progress.NONE)) {
            reasons.add(letter.reason());
            say("  " + letter.reason());
            say("    "
                    + (letter.report() == null
                            ? "moved here by SQS itself"
                            : letter.report().message()));
        }
        Set<String> expected = new TreeSet<>();
        data.deltas().stream()
                .filter(delta -> delta.reason() != null)
                .forEach(delta -> expected.add(Objects.requireNonNull(delta.reason())));
        require(reasons.equals(expected), "dead letters for " + reasons + ", expected " + expected);

        title("Their producers repair them in place, and the letters are replayed");
        for (DemoData.Delta delta : data.deltas()) {
            if (delta.repaired() != null) {
                data.upload(connection.store(), delta, delta.repaired(), scratch);
                say("  " + delta.name() + " is whole, and keeps the place in the order that it had at first sight");
            }
        }
        var replayed = letters.replay(Letter.Filter.ALL, false, REPLAYS_A_SECOND, DeadLetters.Progress.NONE);
        say("  sent " + replayed.taken() + " letters back to the queue");
    }

    private void ask(DemoData data, Path kept) {
        title("It is queried, and it is yours to open");
        var query = new DemoQuery(kept);
        for (DemoData.Question question : data.questions()) {
            var hits = query.nearest(question.vector(), question.nearest().size());
            say("  \"%s\": %s"
                    .formatted(
                            question.text(),
                            String.join(
                                    ", ",
                                    hits.stream()
                                            .map(hit -> "%s (%.3f)".formatted(hit.document(), hit.distance()))
                                            .toList())));
            require(
                    hits.stream()
                            .map(DemoQuery.Hit::document)
                            .toList()
                            .equals(question.nearest().stream()
                                    .map(DemoData.Answer::document)
                                    .toList()),
                    "the nearest to \"" + question.text() + "\" are not those expected");
        }
        say("");
        say("  With real Chroma (pip install chromadb):");
        say("    python3 -c \"import chromadb; c = chromadb.PersistentClient('" + kept
                + "'); print([(x.name, x.count()) for x in c.list_collections()])\"");
    }

    /** Says what becomes of each chunk until nothing more is to come. */
    private void follow(Connection connection, Producer producer) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        var never = new CountDownLatch(1);
        while (System.nanoTime() < deadline) {
            Standing standing = producer.standing(BATCH);
            for (Standing.Item item : standing.items()) {
                String line = line(item);
                if (line != null && told.add(line)) {
                    say(line);
                }
            }
            Predicate<Standing.Item> over = item -> item.state() instanceof Standing.State.Inside
                    || item.state() instanceof Standing.State.Failed
                    || item.state() instanceof Standing.State.Empty;
            var depth = connection.queue().depth();
            if (standing.items().stream().allMatch(over) && depth.visible() + depth.inFlight() == 0) {
                return;
            }
            var _ = never.await(100, TimeUnit.MILLISECONDS);
        }
        throw wrong("batch " + BATCH + " did not end within " + PATIENCE);
    }

    private static @Nullable String line(Standing.Item item) {
        return switch (item.state()) {
            case Standing.State.Missing _ -> null;
            case Standing.State.Done _ -> "  chunk " + item.name() + ": folded";
            case Standing.State.Empty _ -> "  chunk " + item.name() + ": empty";
            case Standing.State.Inside _ -> "  chunk " + item.name() + ": published";
            case Standing.State.Failed failed -> "  chunk " + item.name() + ": refused, " + failed.reason();
        };
    }

    private static Manifest published(Connection connection, DemoData data) {
        if (connection.catalog(data.database()).live() instanceof Live.Ours ours) {
            return ours.manifest();
        }
        throw wrong("nothing was published");
    }

    private void show(Manifest manifest, long expected) {
        say("  version " + manifest.version() + ":");
        manifest.contents()
                .collections()
                .forEach(collection -> say("    collection %s, %d records, dimension %s, %s"
                        .formatted(collection.name(), collection.count(), collection.dimension(), collection.space())));
        manifest.lineage()
                .excused()
                .forEach(excuse -> say("    without chunk " + excuse.chunk() + ": " + excuse.reason()));
        require(
                manifest.contents().records() == expected,
                "the snapshot holds " + manifest.contents().records() + " records, expected " + expected);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw wrong(otherwise);
        }
    }

    private static FailureException wrong(String what) {
        return new FailureException(Blame.INVARIANT, "demo-wrong", "demo: " + what);
    }

    private void title(String text) {
        say("");
        say("── " + text);
    }

    private void say(String text) {
        output.line(text);
    }
}
