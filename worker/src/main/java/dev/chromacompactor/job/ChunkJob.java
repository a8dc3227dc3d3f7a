package dev.chromacompactor.job;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.InputStamp;
import dev.chromacompactor.batch.Next;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.compaction.ChunkFold;
import dev.chromacompactor.compaction.CostModel;
import dev.chromacompactor.compaction.DeltaInput;
import dev.chromacompactor.compaction.Deltas;
import dev.chromacompactor.compaction.Intermediate;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.Message.ProcessChunk;
import dev.chromacompactor.message.Names;
import dev.chromacompactor.message.PlanFiles;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.Transfers;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * {@code process_chunk}: read the deltas, fold them, put the intermediate (create-only), raise the receipt, look
 * whether the batch is settled and send the next stage, and only then let the message go. Dying between any two of these
 * steps only repeats work.
 */
final class ChunkJob {
    private static final Set<String> SEGMENT_REASONS = Set.of("ids-disagree", "wal-gap");

    private final Tools tools;
    private final Receipts receipts;
    private final Plans plans;
    private final FanIn fanIn;
    private final ChunkFold fold;

    ChunkJob(Tools tools, Retries retries) {
        this.tools = tools;
        this.receipts = new Receipts(tools.store());
        this.plans = new Plans(tools.store());
        this.fanIn = new FanIn(tools.store());
        this.fold = new ChunkFold(tools.stores(), tools.recipe(), retries);
    }

    /** One chunk of the message: its index and its deltas. */
    private record Chunk(int index, List<DeltaRef> deltas) {
        Set<String> keys() {
            var keys = new HashSet<String>();
            deltas.forEach(delta -> keys.add(delta.key()));
            return keys;
        }
    }

    /** What a message asks for, with everything looked up that it only refers to. */
    private record Task(
            ProcessChunk message, String database, @Nullable Plan plan, List<Chunk> chunks) {
        String batch() {
            return message.batchId();
        }

        String name() {
            return "chunk " + message.chunkIndices() + " of " + batch();
        }

        /** Prefix of the intermediate. */
        String prefix() {
            return message.batched()
                    ? BatchKeys.chunksTogether(batch(), message.chunkIndices().getFirst())
                    : BatchKeys.chunk(batch(), message.chunkIndices().getFirst());
        }
    }

    /** A delta that was found, or the reason why not. */
    private record Look(
            Chunk chunk, int place, DeltaRef ref, @Nullable LocatedDelta located, long lastModified) {}

    /** @return one line for the log */
    String run(ProcessChunk message) {
        return run(message, null);
    }

    /** @param wholeBy until then segment files of a delta may still be on their way; null: all must be there */
    String run(ProcessChunk message, @Nullable Instant wholeBy) {
        Task task = knownTask(message);
        for (Chunk chunk : task.chunks()) {
            receipts.requireUnused(task.database(), task.batch(), Receipt.Kind.CHUNK, chunk.index(), chunk.keys());
        }
        String done =
                task.chunks().stream().allMatch(chunk -> isDone(task, chunk)) ? "done before" : process(task, wholeBy);
        sendNextStage(task);
        return task.name() + ": " + done;
    }

    /** Receipt first, so that the batch knows before the dead letter is written. */
    void failed(ProcessChunk message, Failure failure) {
        try {
            Task task = task(message);
            raiseFailed(task, List.of(), failure);
            sendNextStage(task);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INPUT) {
                throw e;
            }
            raiseUnknown(message, failure);
        }
    }

    private Task knownTask(ProcessChunk message) {
        try {
            return task(message);
        } catch (FailureException e) {
            if (e.failure().blame() == Blame.INPUT) {
                raiseUnknown(message, e.failure());
            }
            throw e;
        }
    }

    /** A chunk whose deltas cannot even be looked up has failed too, and its batch should not wait for it. */
    private void raiseUnknown(ProcessChunk message, Failure failure) {
        String database = message.database();
        if (database == null || failure.reason().equals("batch-id-reused")) {
            return; // nobody can tell whose chunk it is
        }
        var task = new Task(
                message,
                database,
                null,
                message.chunkIndices().stream()
                        .map(index -> new Chunk(index, List.of()))
                        .toList());
        raiseFailed(task, List.of(), failure);
        sendNextStage(task);
    }

    private Task task(ProcessChunk message) {
        Plan plan = plans.read(message.batchId()).orElse(null);
        List<Chunk> chunks = new ArrayList<>();
        for (int index : message.chunkIndices()) {
            chunks.add(new Chunk(index, deltas(message, index, plan)));
        }
        String database = database(message, plan, chunks);
        if (plan != null && !plan.database().equals(database)) {
            throw FailureException.input(
                    "batch-id-reused",
                    "batch_id " + message.batchId() + ": its plan is for database " + plan.database()
                            + ", this message for " + database);
        }
        return new Task(message, database, plan, chunks);
    }

    private List<DeltaRef> deltas(ProcessChunk message, int index, @Nullable Plan plan) {
        if (message.deltas() != null) {
            return message.deltas();
        }
        ObjectRef file = message.chunks();
        if (file != null) {
            try (InputStream in = tools.store(file.bucket()).open(file.key()).orElseThrow(() -> missing(file))) {
                return PlanFiles.chunk(in, index, tools.where(file));
            } catch (IOException e) {
                throw new FailureException(
                        Blame.DEPENDENCY, "s3-read-broken", "read " + tools.where(file) + ": " + e.getMessage(), e);
            }
        }
        if (plan == null) {
            throw FailureException.input(
                    "missing-field",
                    "delta_results is missing, and so are chunks_s3_key and a plan of batch " + message.batchId()
                            + "; plans of batches closed for 30 days are taken away");
        }
        if (plan.parts().stream().noneMatch(part -> part instanceof Plan.Part.Deltas(int i, var _) && i == index)) {
            throw FailureException.input(
                    "chunk-not-found", "chunk_index " + index + " is not in the plan of batch " + message.batchId());
        }
        return plan.deltas(index).stream()
                .map(delta -> new DeltaRef(delta.bucket(), delta.key(), delta.collection(), null, delta.stamp()))
                .toList();
    }

    private FailureException missing(ObjectRef file) {
        return FailureException.input(
                "plan-missing", "chunks_s3_key names " + tools.where(file) + ", which is not there");
    }

    private static String database(ProcessChunk message, @Nullable Plan plan, List<Chunk> chunks) {
        if (message.database() != null) {
            return message.database();
        }
        if (plan != null) {
            return plan.database();
        }
        return Names.databaseOf(
                chunks.stream().flatMap(chunk -> chunk.deltas().stream()).toList());
    }

    /** Nothing to do again: the receipt says so, and what it speaks of is there, or published already. */
    private boolean isDone(Task task, Chunk chunk) {
        Optional<Receipt> receipt =
                receipts.chunk(task.batch(), chunk.index()).filter(each -> each.status() == Receipt.Status.DONE);
        if (receipt.isEmpty()) {
            return false;
        }
        Receipt.Intermediate intermediate = receipt.get().intermediate();
        return intermediate == null
                || receipts.isThere(intermediate)
                || new SnapshotCatalog(tools.store(), task.database())
                        .live()
                        .lineage()
                        .holds(ChunkName.of(task.batch(), chunk.index()));
    }

    private String process(Task task, @Nullable Instant wholeBy) {
        List<Look> looks = List.of();
        try {
            looks = locate(task);
            List<Look> found = requireAll(looks, task);
            String done = found.isEmpty() ? raiseEmpty(task) : fold(task, found);
            tools.metrics().chunksDone(task.chunks().size());
            return done;
        } catch (FailureException e) {
            tools.metrics().chunksFailed(task.chunks().size(), e.failure());
            if (wholeBy != null
                    && isAboutSegments(e.failure())
                    && tools.store().now().isBefore(wholeBy)) {
                throw FailureException.notWholeUntil(
                        wholeBy,
                        new Failure(
                                Blame.DOUBTFUL,
                                "delta-still-arriving",
                                "a delta was announced, and not all of it is there yet: "
                                        + e.failure().message()),
                        e);
            }
            if (e.failure().isFinal()) {
                raiseFailed(task, looks, e.failure());
                sendNextStage(task);
            }
            throw e;
        }
    }

    private static boolean isAboutSegments(Failure failure) {
        return failure.reason().startsWith("index-") || SEGMENT_REASONS.contains(failure.reason());
    }

    /** Looks at every delta, also after the first that is missing: a failed receipt pins the times of the others. */
    private List<Look> locate(Task task) {
        List<Look> looks = new ArrayList<>();
        for (Chunk chunk : task.chunks()) {
            Receipt before = receipts.chunk(task.batch(), chunk.index()).orElse(null);
            List<Integer> places =
                    IntStream.range(0, chunk.deltas().size()).boxed().toList();
            looks.addAll(Transfers.each(places, place -> locate(task, chunk, before, place)));
        }
        return looks;
    }

    private Look locate(Task task, Chunk chunk, @Nullable Receipt before, int place) {
        DeltaRef ref = chunk.deltas().get(place);
        Optional<LocatedDelta> located = Deltas.find(tools.store(ref.bucket()), ref.key());
        long listed = located.map(each -> each.lastModified().toEpochMilli()).orElse(-1L);
        long pinned = InputStamp.pinned(task.plan(), before, chunk.index(), ref.key(), listed);
        return new Look(chunk, place, ref, located.orElse(null), pinned);
    }

    private List<Look> requireAll(List<Look> looks, Task task) {
        for (Look look : looks) {
            if (look.located() == null) {
                throw FailureException.input(
                        "delta-missing",
                        "chunk " + look.chunk().index() + " of " + task.batch() + ": delta "
                                + look.ref().key()
                                + " in bucket "
                                + tools.store(look.ref().bucket()).bucket()
                                + " is not there: neither chroma.sqlite3 nor delta.tar.gz");
            }
        }
        return looks;
    }

    private String fold(Task task, List<Look> looks) {
        List<DeltaInput> inputs = new ArrayList<>();
        for (Look look : looks) {
            inputs.add(new DeltaInput(
                    Objects.requireNonNull(look.located()),
                    look.ref().collection(),
                    InputStamp.position(look.chunk().index(), look.place()),
                    look.ref().declaredCount()));
        }
        long started = System.nanoTime();
        try (Scratch scratch = tools.recipe().budget().scratch("chunk", task.name())) {
            scratch.reserve(
                    CostModel.chunk(inputs.stream().map(DeltaInput::located).toList()));
            Intermediate made = fold.run(
                    inputs,
                    (input, writtenAt) -> {
                        Look look = looks.get(inputs.indexOf(input));
                        InputStamp stamp = InputStamp.of(
                                look.ref().stampMillis(),
                                writtenAt,
                                look.lastModified(),
                                look.chunk().index(),
                                look.place(),
                                look.ref().key(),
                                input.located().identity());
                        return new Stamp(stamp.millis(), stamp.position(), stamp.key());
                    },
                    scratch);
            long folded = System.nanoTime();
            var placed = new Intermediates(tools.store()).put(task.prefix(), made, scratch);
            var timings = Timings.start()
                    .add("fold", folded - started)
                    .add("unlock_wait", made.unlockWait().toNanos())
                    .add("upload", System.nanoTime() - folded);
            for (Chunk chunk : task.chunks()) {
                List<Look> mine = looks.stream()
                        .filter(look -> look.chunk().index() == chunk.index())
                        .toList();
                var _ = receipts.raise(
                        mine.isEmpty()
                                ? Receipt.empty(
                                        task.database(),
                                        task.batch(),
                                        Receipt.Kind.CHUNK,
                                        chunk.index(),
                                        List.of(),
                                        tools.build())
                                : ReceiptOf.chunk(
                                        task.database(),
                                        task.batch(),
                                        chunk.index(),
                                        chunk.keys(),
                                        made,
                                        placed,
                                        look(mine),
                                        timings.millis(),
                                        tools.build()));
            }
            return made.summary().records() + " records of " + inputs.size() + " deltas";
        }
    }

    /** The LastModified that counts, by delta key. */
    private static java.util.Map<String, Long> look(List<Look> looks) {
        var times = new java.util.HashMap<String, Long>();
        looks.forEach(look -> times.merge(look.ref().key(), look.lastModified(), Math::max));
        return times;
    }

    private String raiseEmpty(Task task) {
        for (Chunk chunk : task.chunks()) {
            var _ = receipts.raise(Receipt.empty(
                    task.database(), task.batch(), Receipt.Kind.CHUNK, chunk.index(), List.of(), tools.build()));
        }
        return "empty";
    }

    private void raiseFailed(Task task, List<Look> looks, Failure failure) {
        tools.metrics().chunksGivenUp(task.chunks().size());
        for (Chunk chunk : task.chunks()) {
            List<Receipt.Input> inputs = new ArrayList<>();
            for (int i = 0; i < chunk.deltas().size(); i++) {
                int place = i;
                DeltaRef ref = chunk.deltas().get(place);
                Long seen = looks.stream()
                        .filter(look -> look.chunk().index() == chunk.index()
                                && look.place() == place
                                && look.lastModified() >= 0)
                        .map(Look::lastModified)
                        .findFirst()
                        .orElse(null);
                inputs.add(
                        new Receipt.Input(ref.key(), null, null, InputStamp.position(chunk.index(), place), seen, 0));
            }
            var _ = receipts.raise(Receipt.failed(
                    task.database(), task.batch(), Receipt.Kind.CHUNK, chunk.index(), inputs, failure, tools.build()));
        }
    }

    /** The last receipt of a stage is followed by a look that sees all of them, so somebody always sends. */
    private void sendNextStage(Task task) {
        List<Next> next = fanIn.afterChunks(task.batch(), task.message().chunkIndices());
        if (!next.isEmpty()) {
            tools.sender().send(NextMessages.of(task.batch(), task.database(), next));
        }
    }
}
