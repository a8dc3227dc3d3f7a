package dev.chromacompactor.producer;

import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.compaction.Deltas;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Names;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.message.Trace;
import dev.chromacompactor.producer.Discovery.LeftOut;
import dev.chromacompactor.question.BatchAnswer;
import dev.chromacompactor.question.DeltaAnswer;
import dev.chromacompactor.question.Questions;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Sends batches of one database: {@link #discover} what is new, {@link #plan} a batch of it, {@link #send} it, and look
 * with {@link #standing} how far it has come.
 *
 * <pre>{@code
 * var environment = System.getenv();
 * try (var stores = new S3ObjectStores(S3Settings.fromEnvironment(environment));
 *         var sqs = new Sqs(SqsSettings.fromEnvironment(environment))) {
 *     var producer = new Producer(stores.bucket("chroma-data"), "words");
 *     var found = producer.discover("words/delta/");
 *     if (!found.fresh().isEmpty()) {
 *         producer.send(producer.plan("b-20261124", found.fresh(), 10, Policy.PUBLISH, null), sqs.queue(queueUrl));
 *     }
 * }
 * }</pre>
 *
 * <p>{@link #send} has succeeded when plan, marker and all messages are accepted; if it throws, or the process dies in it,
 * send the same plan again. The same batch id with the same plan is the same batch, however often it is sent; with
 * another plan it is refused.
 *
 * <p>Errors are {@code FailureException}s: {@code INPUT} is wrong use and names what is wrong, {@code DEPENDENCY} is S3 or
 * SQS and worth another try. Safe for use by several threads.
 */
public final class Producer {
    private static final String DATABASE_FILE = "/chroma.sqlite3";
    /** Chroma databases that are no deltas: what the workers made. */
    private static final Pattern OURS = Pattern.compile("^intermediate/|^[^/]+/snapshot/");

    private final ObjectStore store;
    private final String database;

    /** @throws FailureException {@code INPUT database-invalid} */
    public Producer(ObjectStore store, String database) {
        if (!Names.isName(database)) {
            throw FailureException.input(
                    "database-invalid", "database " + database + ": [A-Za-z0-9._-]{1,128}, not . or ..");
        }
        this.store = store;
        this.database = database;
    }

    /** {@link #discover(String, String)} for a new batch. */
    public Discovery discover(String prefix) {
        return discover(prefix, null);
    }

    /**
     * The deltas below {@code prefix}: directories with a {@code chroma.sqlite3} or a {@code delta.tar.gz} in them, and
     * archives of any other name. Fresh are those that are not in the live snapshot, not rolled back, not before the
     * horizon and in no open batch; by set difference, never by a time, as uploads finish out of order. With a snapshot
     * that another writer made, those older than it are left out too.
     *
     * @param batch the id under which they will be sent: what its plan holds already, if it has one, counts as fresh, so
     *     that sending it once more is the same batch; null: a new one
     */
    public Discovery discover(String prefix, @Nullable String batch) {
        var known = Known.of(store, database, batch);
        var fresh = new ArrayList<LocatedDelta>();
        var leftOut = new ArrayList<LeftOut>();
        for (LocatedDelta delta : below(prefix)) {
            known.whyNot(delta)
                    .ifPresentOrElse(why -> leftOut.add(new LeftOut(delta.key(), why)), () -> fresh.add(delta));
        }
        fresh.sort(Comparator.comparing(LocatedDelta::lastModified).thenComparing(LocatedDelta::key));
        return new Discovery(fresh, leftOut);
    }

    /**
     * One delta by its key, whatever is known of it.
     *
     * @param key with or without a trailing slash
     * @throws FailureException {@code INPUT delta-missing}
     */
    public LocatedDelta named(String key) {
        return Deltas.locate(store, Deltas.normalised(key));
    }

    /** {@link #plan(String, List, Chunking, Policy, String)} with at most {@code chunkSize} deltas to a chunk. */
    public Plan plan(
            String batch, List<LocatedDelta> deltas, int chunkSize, Policy policy, @Nullable String collection) {
        return plan(batch, deltas, Chunking.DEFAULT.withDeltas(chunkSize), policy, collection);
    }

    /**
     * A plan for these deltas, in the order given. Writes nothing.
     *
     * @param chunking how many go together; the same batch sent again needs the same chunks, while groups may differ
     * @param policy what happens when a chunk fails for good
     * @param collection where the records of deltas with one collection go; null: names are kept
     * @throws FailureException {@code INPUT}: {@code batch-invalid}, {@code nothing-to-send}
     */
    public Plan plan(
            String batch, List<LocatedDelta> deltas, Chunking chunking, Policy policy, @Nullable String collection) {
        if (!Names.isName(batch)) {
            throw FailureException.input("batch-invalid", "batch id " + batch + ": [A-Za-z0-9._-]{1,128}, not . or ..");
        }
        if (deltas.isEmpty()) {
            throw FailureException.input("nothing-to-send", "batch " + batch + " would hold no delta");
        }
        List<List<Plan.Delta>> chunks = chunking.chunks(deltas, LocatedDelta::bytes).stream()
                .map(chunk -> chunk.stream()
                        .map(delta -> new Plan.Delta(
                                null,
                                delta.key(),
                                delta.main().etag(),
                                delta.lastModified().toEpochMilli(),
                                collection,
                                null))
                        .toList())
                .toList();
        return Plan.enqueued(batch, database, policy, chunks, chunking.groups(chunks.size()));
    }

    /**
     * Writes plan and marker, then sends one message for each chunk, in the {@link Trace} that this runs in or in a new one.
     *
     * @param sender of the work queue
     * @throws FailureException {@code INPUT batch-id-reused} if the batch has another plan already
     */
    public void send(Plan plan, Sender sender) {
        var _ = new Plans(store).create(plan);
        new OpenBatches(store, database).open(plan.batch());
        Trace.current()
                .orElseGet(Trace::start)
                .run(() -> sender.send(IntStream.range(0, plan.parts().size())
                        .mapToObj(chunk -> StageMessages.processChunk(plan.batch(), chunk, database))
                        .toList()));
    }

    /**
     * How far a batch has come, what is published already included.
     *
     * @throws FailureException {@code INPUT batch-unknown} if it has no plan
     */
    public Standing standing(String batch) {
        return new FanIn(store)
                .look(batch)
                .orElseThrow(() -> FailureException.input("batch-unknown", "batch " + batch + " has no plan"))
                .against(new SnapshotCatalog(store, database).live().lineage());
    }

    /**
     * Why the batch is not published, or that it is; to be asked again until {@code state().over()}.
     *
     * @throws FailureException {@code DEPENDENCY} if S3 does not answer
     */
    public BatchAnswer explain(String batch) {
        return new Questions(store).explain(batch);
    }

    /**
     * Whether the live snapshot holds a delta as it lies there now, or why not.
     *
     * @param key with or without a trailing slash
     * @throws FailureException {@code INVARIANT} if the bucket contradicts itself
     */
    public DeltaAnswer where(String key) {
        return new Questions(store).where(database, store, key);
    }

    /** One listing, however many deltas. */
    private List<LocatedDelta> below(String prefix) {
        var objects = new TreeMap<String, ObjectInfo>();
        store.list(prefix, info -> {
            if (!OURS.matcher(info.key()).find()) {
                objects.put(info.key(), info);
            }
        });
        var deltas = new TreeMap<String, LocatedDelta>();
        objects.forEach((key, info) -> {
            if (key.endsWith(DATABASE_FILE) || key.matches(".*/delta\\.tar\\.(gz|zst)")) {
                String folder = key.substring(0, key.lastIndexOf('/') + 1);
                // A prefix that ends inside a folder lists only a part of it.
                if (folder.startsWith(prefix)) {
                    var files =
                            objects.subMap(folder, folder + Character.MAX_VALUE).values();
                    Deltas.among(store.bucket(), folder, files).ifPresent(delta -> deltas.put(folder, delta));
                }
            } else if (Deltas.isArchive(key)) {
                deltas.put(key, Deltas.archive(store.bucket(), key, info));
            }
        });
        return List.copyOf(deltas.values());
    }
}
