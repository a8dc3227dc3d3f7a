package dev.chromacompactor.job;

import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.InputStamp;
import dev.chromacompactor.batch.Next;
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
import dev.chromacompactor.job.ChunkTask.Chunk;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.ProcessChunk;
import dev.chromacompactor.store.Transfers;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
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
    private final StageReceipts states;
    private final FanIn fanIn;
    private final ChunkFold fold;

    ChunkJob(Tools tools, Retries retries) {
        this.tools = tools;
        this.receipts = new Receipts(tools.store());
        this.states = new StageReceipts(tools, Receipt.Kind.CHUNK);
        this.fanIn = new FanIn(tools.store());
        this.fold = new ChunkFold(tools.stores(), tools.recipe(), retries);
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
        ChunkTask task = knownTask(message);
        for (Chunk chunk : task.chunks()) {
            receipts.requireUnused(task.database(), task.batch(), Receipt.Kind.CHUNK, chunk.index(), chunk.keys());
        }
        String done = task.chunks().stream().allMatch(chunk -> states.isDone(task.batch(), chunk.index()))
                ? "done before"
                : process(task, wholeBy);
        sendNextStage(task);
        return task.name() + ": " + done;
    }

    /** Receipt first, so that the batch knows before the dead letter is written. */
    void failed(ProcessChunk message, Failure failure) {
        try {
            ChunkTask task = ChunkTask.of(message, tools);
            raiseFailed(task, List.of(), failure);
            sendNextStage(task);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INPUT) {
                throw e;
            }
            raiseUnknown(message, failure);
        }
    }

    private ChunkTask knownTask(ProcessChunk message) {
        try {
            return ChunkTask.of(message, tools);
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
        ChunkTask task = ChunkTask.unknown(message, database);
        raiseFailed(task, List.of(), failure);
        sendNextStage(task);
    }

    private String process(ChunkTask task, @Nullable Instant wholeBy) {
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
    private List<Look> locate(ChunkTask task) {
        List<Look> looks = new ArrayList<>();
        for (Chunk chunk : task.chunks()) {
            Receipt before = receipts.chunk(task.batch(), chunk.index()).orElse(null);
            List<Integer> places =
                    IntStream.range(0, chunk.deltas().size()).boxed().toList();
            looks.addAll(Transfers.each(places, place -> locate(task, chunk, before, place)));
        }
        return looks;
    }

    private Look locate(ChunkTask task, Chunk chunk, @Nullable Receipt before, int place) {
        DeltaRef ref = chunk.deltas().get(place);
        Optional<LocatedDelta> located = Deltas.find(tools.store(ref.bucket()), ref.key());
        long listed = located.map(each -> each.lastModified().toEpochMilli()).orElse(-1L);
        long pinned = InputStamp.pinned(task.plan(), before, chunk.index(), ref.key(), listed);
        return new Look(chunk, place, ref, located.orElse(null), pinned);
    }

    private List<Look> requireAll(List<Look> looks, ChunkTask task) {
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

    private String fold(ChunkTask task, List<Look> looks) {
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
                    inputs, (input, writtenAt) -> stamp(looks.get(inputs.indexOf(input)), input, writtenAt), scratch);
            long folded = System.nanoTime();
            var placed = new Intermediates(tools.store()).put(task.prefix(), made, scratch);
            var timings = Timings.start()
                    .add("fold", folded - started)
                    .add("unlock_wait", made.unlockWait().toNanos())
                    .add("upload", System.nanoTime() - folded);
            raiseDone(task, looks, made, placed, timings);
            return made.summary().records() + " records of " + inputs.size() + " deltas";
        }
    }

    private static Stamp stamp(Look look, DeltaInput input, OptionalLong writtenAt) {
        InputStamp stamp = InputStamp.of(
                look.ref().stampMillis(),
                writtenAt,
                look.lastModified(),
                look.chunk().index(),
                look.place(),
                look.ref().key(),
                input.located().identity());
        return new Stamp(stamp.millis(), stamp.position(), stamp.key());
    }

    private void raiseDone(
            ChunkTask task, List<Look> looks, Intermediate made, Receipt.Intermediate placed, Timings timings) {
        for (Chunk chunk : task.chunks()) {
            List<Look> mine = looks.stream()
                    .filter(look -> look.chunk().index() == chunk.index())
                    .toList();
            if (mine.isEmpty()) {
                states.raiseEmpty(task.database(), task.batch(), chunk.index());
                continue;
            }
            var _ = receipts.raise(ReceiptOf.chunk(
                    task.database(),
                    task.batch(),
                    chunk.index(),
                    chunk.keys(),
                    made,
                    placed,
                    times(mine),
                    timings.millis(),
                    tools.build()));
        }
    }

    /** The LastModified that counts, by delta key. */
    private static Map<String, Long> times(List<Look> looks) {
        var times = new HashMap<String, Long>();
        looks.forEach(look -> times.merge(look.ref().key(), look.lastModified(), Math::max));
        return times;
    }

    private String raiseEmpty(ChunkTask task) {
        task.chunks().forEach(chunk -> states.raiseEmpty(task.database(), task.batch(), chunk.index()));
        return "empty";
    }

    private void raiseFailed(ChunkTask task, List<Look> looks, Failure failure) {
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
            states.raiseFailed(task.database(), task.batch(), chunk.index(), inputs, failure);
        }
    }

    /** The last receipt of a stage is followed by a look that sees all of them, so somebody always sends. */
    private void sendNextStage(ChunkTask task) {
        List<Next> next = fanIn.afterChunks(task.batch(), task.message().chunkIndices());
        if (!next.isEmpty()) {
            tools.sender().send(NextMessages.of(task.batch(), task.database(), next));
        }
    }
}
