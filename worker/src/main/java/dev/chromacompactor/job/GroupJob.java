package dev.chromacompactor.job;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.compaction.CostModel;
import dev.chromacompactor.compaction.GroupFold;
import dev.chromacompactor.compaction.IntermediateRef;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.MergeGroup;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.PlanFiles;
import dev.chromacompactor.snapshot.ChunkName;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * {@code merge_chunk_group}: join the intermediates of a group into one. Never of less than the whole group: one that
 * holds a failed chunk is a dead letter that names it, and can be replayed once the chunk is there.
 */
final class GroupJob {
    private final Tools tools;
    private final Receipts receipts;
    private final FanIn fanIn;
    private final GroupFold fold;
    private final Retries retries;

    GroupJob(Tools tools, Retries retries) {
        this.tools = tools;
        this.receipts = new Receipts(tools.store());
        this.fanIn = new FanIn(tools.store());
        this.fold = new GroupFold(tools.recipe());
        this.retries = retries;
    }

    private record Task(MergeGroup message, String database, List<ChunkResult> results) {
        String name() {
            return "group " + message.groupIndex() + " of " + message.batchId();
        }

        List<Receipt.Input> inputs() {
            List<Receipt.Input> inputs = new ArrayList<>();
            for (ChunkResult result : results) {
                if (result instanceof ChunkResult.Intermediate(String key)) {
                    inputs.add(new Receipt.Input(key, null, null, inputs.size(), null, 0));
                }
            }
            return inputs;
        }
    }

    /** @return one line for the log */
    String run(MergeGroup message) {
        Task task = task(message);
        receipts.requireUnused(
                task.database(),
                message.batchId(),
                Receipt.Kind.GROUP,
                message.groupIndex(),
                task.inputs().stream().map(Receipt.Input::key).collect(Collectors.toSet()));
        if (isDone(message)) {
            return task.name() + ": done before";
        }
        try {
            return task.name() + ": " + merge(task);
        } catch (FailureException e) {
            if (e.failure().isFinal()) {
                raiseFailed(task, e.failure());
            }
            throw e;
        }
    }

    void failed(MergeGroup message, Failure failure) {
        try {
            raiseFailed(task(message), failure);
        } catch (FailureException e) {
            // What the message asks for cannot even be looked up: there is no receipt that anybody could wait for.
            if (e.failure().blame() != Blame.INPUT) {
                throw e;
            }
        }
    }

    private Task task(MergeGroup message) {
        List<ChunkResult> results = results(message);
        return new Task(message, database(message, results), results);
    }

    private List<ChunkResult> results(MergeGroup message) {
        if (message.inputs() != null) {
            return message.inputs();
        }
        ObjectRef file = message.groups();
        if (file == null) {
            throw FailureException.input(
                    "nothing-to-merge",
                    "chunk_group is missing, and so are groups_s3_key and a plan with groups of batch "
                            + message.batchId());
        }
        try (InputStream in = tools.store(file.bucket())
                .open(file.key())
                .orElseThrow(() -> FailureException.input(
                        "plan-missing", "groups_s3_key names " + tools.where(file) + ", which is not there"))) {
            return PlanFiles.group(in, message.groupIndex(), tools.where(file));
        } catch (IOException e) {
            throw new FailureException(
                    Blame.DEPENDENCY, "s3-read-broken", "read " + tools.where(file) + ": " + e.getMessage(), e);
        }
    }

    /** The message's, else the one in the receipt of its first intermediate. */
    private String database(MergeGroup message, List<ChunkResult> results) {
        if (message.database() != null) {
            return message.database();
        }
        return results.stream()
                .filter(ChunkResult.Intermediate.class::isInstance)
                .map(result -> ((ChunkResult.Intermediate) result).key())
                .flatMap(key -> receipts.ofIntermediate(key).stream())
                .map(Receipt::database)
                .findFirst()
                .orElseThrow(() -> FailureException.input(
                        "missing-field", "database is missing, and no receipt of an intermediate names one"));
    }

    private boolean isDone(MergeGroup message) {
        return receipts.group(message.batchId(), message.groupIndex())
                .filter(receipt -> receipt.status() == Receipt.Status.DONE)
                .map(receipt -> receipt.intermediate() == null || receipts.isThere(receipt.intermediate()))
                .orElse(false);
    }

    private String merge(Task task) {
        MergeGroup message = task.message();
        if (task.results().stream().allMatch(ChunkResult.Empty.class::isInstance)) {
            var _ = receipts.raise(Receipt.empty(
                    task.database(),
                    message.batchId(),
                    Receipt.Kind.GROUP,
                    message.groupIndex(),
                    List.of(),
                    tools.build()));
            return "empty";
        }
        List<Item> done = requireWhole(task);
        long started = System.nanoTime();
        try (Scratch scratch = tools.recipe().budget().scratch("group", task.name())) {
            scratch.reserve(CostModel.group(sizes(done)));
            List<Path> fetched = new ArrayList<>();
            List<Receipt.Input> inputs = new ArrayList<>();
            List<ChunkName> covers = new ArrayList<>();
            for (Item item : done) {
                State.Done state = (State.Done) item.state();
                fetched.add(fetch(state, scratch, "input-" + fetched.size()));
                inputs.add(new Receipt.Input(
                        prefix(state.key()), state.etag(), null, inputs.size(), null, records(state)));
                covers.add(item.name());
                if (state.receipt() != null) {
                    Receipt below = state.receipt();
                    if (below.kind() == Receipt.Kind.CHUNK) {
                        // Whatever batch the group calls itself: the chunk is one of the batch in its receipt.
                        covers.add(ChunkName.of(below.batch(), below.index()));
                    }
                    covers.addAll(below.covers());
                }
            }
            var made = fold.run(fetched, scratch);
            long folded = System.nanoTime();
            var placed = new Intermediates(tools.store())
                    .put(BatchKeys.group(message.batchId(), message.groupIndex()), made, scratch);
            var timings = Timings.start()
                    .add("fold", folded - started)
                    .add("unlock_wait", made.unlockWait().toNanos())
                    .add("upload", System.nanoTime() - folded);
            var _ = receipts.raise(ReceiptOf.group(
                    task.database(),
                    message.batchId(),
                    message.groupIndex(),
                    inputs,
                    covers,
                    made,
                    placed,
                    timings.millis(),
                    tools.build()));
            return made.summary().records() + " records of " + fetched.size() + " intermediates";
        }
    }

    private List<CostModel.Input> sizes(List<Item> done) {
        var intermediates = new Intermediates(tools.store());
        return done.stream()
                .map(item -> (State.Done) item.state())
                .map(state -> intermediates.size(state.key(), state.receipt()))
                .toList();
    }

    /** The intermediates of the group, if none failed and none is missing. */
    private List<Item> requireWhole(Task task) {
        List<Plan.Part> parts = task.results().stream().map(Parts::of).toList();
        Standing standing = fanIn.look(Plan.listed(task.message().batchId(), task.database(), parts, null));
        String bad = standing.items().stream()
                .map(item -> switch (item.state()) {
                    case State.Failed(String reason, String what, var _) -> reason + " (" + what + ")";
                    case State.Missing _ -> item.key() + " is not there and no receipt says why";
                    case State.Done _, State.Empty _, State.Inside _ -> null;
                })
                .filter(Objects::nonNull)
                .collect(Collectors.joining("; "));
        if (!bad.isEmpty()) {
            boolean missing = standing.failed().isEmpty();
            throw FailureException.input(
                    missing ? "intermediate-missing" : "incomplete", task.name() + " is not whole: " + bad);
        }
        return standing.items().stream()
                .filter(item -> item.state() instanceof State.Done)
                .toList();
    }

    private Path fetch(State.Done done, Scratch scratch, String name) {
        Receipt.Intermediate known =
                done.receipt() == null ? null : done.receipt().intermediate();
        String sha256 = known == null ? null : known.sha256();
        var ref = new IntermediateRef(prefix(done.key()), done.etag(), sha256);
        return retries.call("fetch " + done.key(), () -> ref.fetch(tools.store(), scratch.emptied(name)));
    }

    private void raiseFailed(Task task, Failure failure) {
        var _ = receipts.raise(Receipt.failed(
                task.database(),
                task.message().batchId(),
                Receipt.Kind.GROUP,
                task.message().groupIndex(),
                task.inputs(),
                failure,
                tools.build()));
    }

    private static String prefix(String objectKey) {
        return objectKey.substring(0, objectKey.length() - BatchKeys.DATABASE_FILE.length());
    }

    private static long records(State.Done done) {
        return done.receipt() == null ? 0 : done.receipt().records();
    }
}
