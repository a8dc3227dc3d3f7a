package dev.chromacompactor.question;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.chromacompactor.batch.Base;
import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Take;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.snapshot.Ledger;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Manifests;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.snapshot.VersionId;
import dev.chromacompactor.store.MemoryObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Batches of the database {@code words} in a bucket whose clock stands until it is moved. Plans are made by the producer, and what
 * a publish takes is decided by the code that publishers run; only the rows are missing.
 */
public final class Scene {
    static final Duration HORIZON = Duration.ofDays(30);

    public Instant now = Instant.parse("2026-11-23T08:00:00Z");
    public final MemoryObjectStore store = new MemoryObjectStore("chroma-data", () -> now);
    public final Producer producer = new Producer(store, "words");
    final Questions questions = new Questions(store);
    final OpenBatches open = new OpenBatches(store, "words");

    private final SnapshotCatalog catalog = new SnapshotCatalog(store, "words");
    private final Receipts receipts = new Receipts(store);

    public void pass(Duration time) {
        now = now.plus(time);
    }

    String upload(String name) {
        String prefix = "words/delta/" + name + "/";
        store.put(prefix + "chroma.sqlite3", ("rows of " + name + " at " + now).getBytes(UTF_8));
        return prefix;
    }

    /** A chunk for each delta. */
    Plan plan(String batch, Policy policy, String... names) {
        List<LocatedDelta> deltas =
                Stream.of(names).map(name -> producer.named(upload(name))).toList();
        return producer.plan(batch, deltas, 1, policy, "words");
    }

    public Plan enqueue(String batch, Policy policy, String... names) {
        Plan plan = plan(batch, policy, names);
        producer.send(plan, _ -> {});
        return plan;
    }

    /** The same, and workers folded every chunk. */
    public Plan folded(String batch, Policy policy, String... names) {
        Plan plan = enqueue(batch, policy, names);
        for (int chunk = 0; chunk < names.length; chunk++) {
            done(plan, chunk);
        }
        return plan;
    }

    /** The same, and a publisher came by. */
    public Plan published(String batch, Policy policy, String... names) {
        Plan plan = folded(batch, policy, names);
        var _ = publish(plan);
        return plan;
    }

    /** A worker folded it. */
    public void done(Plan plan, int chunk) {
        done(plan, chunk, 8, false);
    }

    void done(Plan plan, int chunk, int dimension, boolean lists) {
        String key = BatchKeys.databaseFile(BatchKeys.chunk(plan.batch(), chunk));
        store.putIfAbsent(key, ("rows of " + plan.batch() + chunk).getBytes(UTF_8));
        raise(new Receipt(
                Receipt.FORMAT,
                "words",
                plan.batch(),
                Receipt.Kind.CHUNK,
                chunk,
                Receipt.Status.DONE,
                inputs(plan, chunk),
                List.of(),
                new Receipt.Intermediate(key, store.head(key).orElseThrow().etag(), 7, "sha"),
                List.of(new Manifest.Collection("words", "id", 10, dimension, "l2")),
                new Manifest.Level(10, 6, 2),
                lists,
                10,
                new Ledger(0, 10, 10, 0, 0, 0, 0, 0, 10),
                "digest",
                List.of("a warning"),
                null,
                null,
                Map.of("fold", 5L),
                "test"));
    }

    void empty(Plan plan, int chunk) {
        raise(Receipt.empty("words", plan.batch(), Receipt.Kind.CHUNK, chunk, inputs(plan, chunk), "test"));
    }

    public void failed(Plan plan, int chunk) {
        raise(Receipt.failed(
                "words",
                plan.batch(),
                Receipt.Kind.CHUNK,
                chunk,
                inputs(plan, chunk),
                new Failure(Blame.INPUT, "sqlite-corrupt", "page 3 is torn"),
                "test"));
    }

    private void raise(Receipt receipt) {
        receipts.raise(receipt);
    }

    private List<Receipt.Input> inputs(Plan plan, int chunk) {
        return plan.deltas(chunk).stream()
                .map(delta -> new Receipt.Input(
                        delta.key(),
                        producer.named(delta.key()).identity(),
                        delta.lastModified(),
                        (long) chunk << 20,
                        delta.lastModified(),
                        10))
                .toList();
    }

    /** A publisher comes by with the final merge of this batch. */
    public String publish(Plan own) {
        Live live = catalog.live();
        Standing standing = new FanIn(store).look(own);
        List<Standing> batches = new FanIn(store).open("words");
        Take take = Take.decide(base(live), batches, standing);
        if (!take.nothing()) {
            String version = VersionId.fresh(now, live.seq() + 1);
            Set<String> names = batches.stream().map(Standing::batch).collect(Collectors.toSet());
            write(
                    live,
                    version,
                    live.lineage()
                            .next(
                                    version,
                                    now,
                                    HORIZON,
                                    take.chunks(version),
                                    take.inputs(version),
                                    take.excuses(),
                                    chunk -> names.stream().anyMatch(chunk::belongsTo)));
        }
        Live after = catalog.live();
        Take left = Take.decide(base(after), batches, standing);
        Published.of(standing, after, left.excuses()).write(store);
        open.close(left.closed());
        return after instanceof Live.Ours ours ? ours.version() : "none";
    }

    /** A version whose lineage is what a rollback would leave, these chunks taken out. */
    public String rollBack(ChunkName... chunks) {
        Live live = catalog.live();
        Set<ChunkName> gone = Set.of(chunks);
        Lineage old = live.lineage();
        String version = VersionId.fresh(now, live.seq() + 1);
        write(
                live,
                version,
                new Lineage(
                        old.horizon(),
                        old.born(),
                        old.chunks().stream()
                                .filter(each -> !gone.contains(each.name()))
                                .toList(),
                        old.inputs().stream()
                                .filter(each -> !gone.contains(each.chunk()))
                                .toList(),
                        old.excused(),
                        new Lineage.Revoked(
                                old.chunks().stream()
                                        .filter(each -> gone.contains(each.name()))
                                        .toList(),
                                old.inputs().stream()
                                        .filter(each -> gone.contains(each.chunk()))
                                        .toList())));
        return version;
    }

    private void write(Live base, String version, Lineage lineage) {
        Manifest manifest = Manifests.manifest(base, version, List.of(), lineage);
        store.put(catalog.prefix(version) + Manifest.FILE, Json.write(manifest));
        store.put(catalog.pointerKey(), version.getBytes(UTF_8));
    }

    private static Base base(Live live) {
        return live instanceof Live.Ours ours ? Base.of(ours) : Base.NONE;
    }
}
