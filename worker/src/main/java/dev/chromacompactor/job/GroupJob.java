package dev.chromacompactor.job;

import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.MergeGroup;
import dev.chromacompactor.message.Message.ObjectRef;
import dev.chromacompactor.message.PlanFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * {@code merge_chunk_group}: join the intermediates of a group into one. A list in the message is merged whole or not at all:
 * one that holds a failed chunk is a dead letter that names it, and can be replayed once the chunk is there. Without a list
 * it is a group of the plan, see {@link PlannedGroup}.
 */
final class GroupJob {
    private final Tools tools;
    private final Receipts receipts;
    private final StageReceipts states;
    private final FanIn fanIn;
    private final GroupMerge groupMerge;
    private final PlannedGroup planned;

    GroupJob(Tools tools, Retries retries) {
        this.tools = tools;
        this.receipts = new Receipts(tools.store());
        this.states = new StageReceipts(tools, Receipt.Kind.GROUP);
        this.fanIn = new FanIn(tools.store());
        this.groupMerge = new GroupMerge(tools, retries);
        this.planned = new PlannedGroup(tools, groupMerge);
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
        if (message.followsPlan()) {
            return planned.run(message);
        }
        Task task = task(message);
        receipts.requireUnused(
                task.database(),
                message.batchId(),
                Receipt.Kind.GROUP,
                message.groupIndex(),
                task.inputs().stream().map(Receipt.Input::key).collect(Collectors.toSet()));
        if (states.isDone(message.batchId(), message.groupIndex())) {
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
            if (message.followsPlan()) {
                planned.failed(message, failure);
            } else {
                raiseFailed(task(message), failure);
            }
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
        ObjectRef file = Objects.requireNonNull(message.groups());
        return new PlanFile("groups_s3_key", file)
                .read(tools, (in, where) -> PlanFiles.group(in, message.groupIndex(), where));
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

    private String merge(Task task) {
        MergeGroup message = task.message();
        if (task.results().stream().allMatch(ChunkResult.Empty.class::isInstance)) {
            states.raiseEmpty(task.database(), message.batchId(), message.groupIndex());
            return "empty";
        }
        Receipt merged = groupMerge.run(
                task.database(), message.batchId(), message.groupIndex(), requireWhole(task), task.name());
        var _ = receipts.raise(merged);
        return merged.records() + " records of " + merged.inputs().size() + " intermediates";
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

    private void raiseFailed(Task task, Failure failure) {
        MergeGroup message = task.message();
        states.raiseFailed(task.database(), message.batchId(), message.groupIndex(), task.inputs(), failure);
    }
}
