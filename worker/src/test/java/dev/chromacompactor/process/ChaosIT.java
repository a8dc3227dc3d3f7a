package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.RecordDigest;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Ledger;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three workers of which one is killed every few seconds, until every batch is published. The full size is {@code
 * -Dcompactor.chaos.batches=50 -Dcompactor.chaos.chunks=8}, some minutes.
 */
class ChaosIT {
    private static final int BATCHES = Integer.getInteger("compactor.chaos.batches", 6);
    private static final int CHUNKS = Integer.getInteger("compactor.chaos.chunks", 4);
    private static final long SEED = Long.getLong("compactor.chaos.seed", 20_261_124L);
    private static final int WORKERS = 3;
    private static final String DATABASE = "chaos";
    /** Of each there is one, whatever is published. */
    private static final Set<String> STANDING =
            Set.of("chaos/snapshot/latest-pointer.txt", "chaos/snapshot/claim.json", "chaos/snapshot/gc.json");

    private final Backend backend = Backend.shared();
    private final Random random = new Random(SEED);

    @TempDir
    private Path directory;

    @Test
    void killed_every_few_seconds_three_workers_publish_every_batch_whole_and_once() throws Exception {
        // Deaths of this test's own making are not to add up to a dead letter.
        var queues = backend.queues(DATABASE, 100);
        var environment = backend.environment(
                queues,
                "COMPACTOR_MAX_ATTEMPTS",
                "100",
                "COMPACTOR_VISIBILITY",
                "PT5S",
                "COMPACTOR_CONCURRENCY",
                "2",
                "COMPACTOR_SCRATCH_DIR",
                directory.resolve("scratch").toString());
        var deltas = SmallDeltas.put(backend.bucket(), DATABASE, BATCHES * CHUNKS, directory);
        var started = System.nanoTime();
        int kills = 0;
        var workers = new ArrayList<Program>();
        try {
            for (int i = 0; i < WORKERS; i++) {
                workers.add(Program.start(environment, "worker"));
            }
            for (int batch = 0; batch < BATCHES; batch++) {
                enqueue(queues, batch, deltas.subList(batch * CHUNKS, (batch + 1) * CHUNKS));
                killOne(workers, environment);
                kills++;
            }
            while (backend.messages(queues.url()) > 0 && kills < 2 * BATCHES) {
                killOne(workers, environment);
                kills++;
            }
            await().atMost(Backend.PATIENCE.multipliedBy(1 + BATCHES / 10))
                    .until(() -> backend.messages(queues.url()) == 0);
        } finally {
            workers.forEach(Program::close);
        }
        System.out.printf(
                "%d batches of %d chunks, %d kills, %d s%n",
                BATCHES,
                CHUNKS,
                kills,
                Duration.ofNanos(System.nanoTime() - started).toSeconds());

        assertThat(backend.messages(queues.deadLetters())).as("dead letters").isZero();
        var live = backend.live(DATABASE).orElseThrow();
        allIsInsideOnce(live);
        ledgersBalance(live);
        filesAreWhatTheManifestSays(live);
        assertThat(new OpenBatches(backend.bucket(), DATABASE).list())
                .as("open batches")
                .isEmpty();
        oneCollectionLeavesNoLitter(live, Set.copyOf(deltas), queues);
    }

    private static String name(int batch) {
        return "chaos-" + batch;
    }

    private void enqueue(Backend.Queues queues, int batch, List<String> deltas) {
        var producer = new Producer(backend.bucket(), DATABASE);
        var plan =
                producer.plan(name(batch), deltas.stream().map(producer::named).toList(), 1, Policy.PUBLISH, null);
        producer.send(plan, bodies -> bodies.forEach(body -> backend.send(queues.url(), body)));
    }

    private void killOne(List<Program> workers, Map<String, String> environment) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(1_000 + random.nextLong(2_000));
        try (var victim = workers.remove(random.nextInt(workers.size()))) {
            assertThat(victim.isAlive())
                    .as("killed by nobody else: %s", victim.err())
                    .isTrue();
            victim.signal("KILL");
        }
        workers.add(Program.start(environment, "worker"));
    }

    private static void allIsInsideOnce(Manifest live) {
        assertThat(live.lineage().chunks())
                .extracting(Lineage.Chunk::name)
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, BATCHES)
                        .boxed()
                        .flatMap(batch -> IntStream.range(0, CHUNKS).mapToObj(i -> ChunkName.of(name(batch), i)))
                        .toList());
        assertThat(live.lineage().inputs())
                .extracting(Lineage.Input::key)
                .hasSize(BATCHES * CHUNKS)
                .doesNotHaveDuplicates();
        assertThat(live.lineage().excused()).isEmpty();
    }

    /** Of each job, of each version that was finished, whether it became live or not, and from the first to the last. */
    private void ledgersBalance(Manifest live) {
        var receipts = new Receipts(backend.bucket());
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                var ledger = receipts.chunk(name(batch), chunk).orElseThrow().ledger();
                assertThat(Objects.requireNonNull(ledger).balances()).isTrue();
                assertThat(ledger.out()).isEqualTo(SmallDeltas.RECORDS);
            }
        }
        var catalog = new SnapshotCatalog(backend.bucket(), DATABASE);
        catalog.versions().stream()
                .flatMap(entry -> Stream.ofNullable(entry.manifest()))
                .forEach(manifest -> assertThat(ledger(manifest).balances())
                        .as(manifest.version())
                        .isTrue());
        var version = live;
        while (version.base() != null) {
            var base = catalog.load(Objects.requireNonNull(version.base())).orElseThrow();
            assertThat(ledger(version).base())
                    .as("base of %s", version.version())
                    .isEqualTo(base.contents().records());
            assertThat(version.lineage().names()).containsAll(base.lineage().names());
            version = base;
        }
        assertThat(ledger(version).base()).isZero();
        assertThat(ledger(live).out())
                .isEqualTo(live.contents().records())
                .isEqualTo((long) BATCHES * CHUNKS * SmallDeltas.RECORDS);
    }

    private static Ledger ledger(Manifest manifest) {
        return Objects.requireNonNull(manifest.contents().ledger());
    }

    /** Every object is accounted for: of versions only the live one stays, and what could still become live. */
    private void oneCollectionLeavesNoLitter(Manifest live, Set<String> deltas, Backend.Queues queues) {
        var environment = backend.environment(queues, "COMPACTOR_KEEP_VERSIONS", "1", "COMPACTOR_KEEP_FOR", "PT0S");
        var collected = Program.run(environment, "snapshot", "gc", "--database", DATABASE, "--yes", "--json");
        assertThat(collected.code()).as(collected.err()).isZero();

        assertThat(backend.live(DATABASE)).hasValue(live);
        String versions = DATABASE + "/snapshot/timestamped/";
        String own = versions + live.version() + "/";
        String next = versions + "\\d{8}_\\d{6}_%06d_[0-9a-f]{8}/.*".formatted(live.seq() + 1);
        var files =
                live.contents().files().stream().map(file -> own + file.name()).collect(Collectors.toSet());
        var mayStillWin = new ArrayList<String>();
        var litter = new ArrayList<String>();
        for (var object : backend.bucket().list(DATABASE + "/")) {
            String key = object.key();
            if (key.matches(next)) {
                mayStillWin.add(key);
            } else if (!files.remove(key)
                    && !key.equals(own + "manifest.json")
                    && !STANDING.contains(key)
                    && !deltas.contains(key.substring(0, key.lastIndexOf('/') + 1))) {
                litter.add(key);
            }
        }
        for (var object : backend.bucket().list("batches/" + DATABASE + "-")) {
            if (!object.key().matches("batches/chaos-\\d+/(plan|published|swept|chunk-\\d+)\\.json")) {
                litter.add(object.key());
            }
        }
        backend.bucket().list("intermediate/" + DATABASE + "-").forEach(object -> litter.add(object.key()));
        backend.bucket().uploads(DATABASE + "/", upload -> litter.add("upload of " + upload.key()));
        assertThat(litter)
                .as("neither live nor able to become live: %s", collected.out())
                .isEmpty();
        assertThat(files).as("files of the live version that are gone").isEmpty();
        System.out.printf("objects of uploads that may still win: %s%n", mayStillWin);
    }

    private void filesAreWhatTheManifestSays(Manifest live) throws Exception {
        var downloaded = Files.createDirectory(directory.resolve("live"));
        new SnapshotCatalog(backend.bucket(), DATABASE).download(live, downloaded);
        try (var database = ChromaDatabase.open(downloaded)) {
            assertThat(RecordDigest.of(database)).isEqualTo(live.contents().recordDigest());
        }
    }
}
