package dev.chromacompactor.job;

import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Next;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.MergeGroup;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.telemetry.Keys;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A group of a plan, between its chunks and the final merge. It only saves the publisher work, so nothing depends on it: it
 * merges the chunks that are done, and its receipt names them. What it cannot merge, the final merge takes chunk by chunk,
 * and refuses by name what does not fit. As everywhere: receipt, look, send, and only then let the message go.
 */
final class PlannedGroup {
    private static final Logger LOG = LoggerFactory.getLogger(PlannedGroup.class);

    private final Tools tools;
    private final GroupMerge groupMerge;
    private final Plans plans;
    private final Receipts receipts;
    private final FanIn fanIn;

    PlannedGroup(Tools tools, GroupMerge groupMerge) {
        this.tools = tools;
        this.groupMerge = groupMerge;
        this.plans = new Plans(tools.store());
        this.receipts = new Receipts(tools.store());
        this.fanIn = new FanIn(tools.store());
    }

    /** @return one line for the log */
    String run(MergeGroup message) {
        Plan plan = plan(message);
        int group = message.groupIndex();
        String name = "group " + group + " of " + plan.batch();
        boolean doneBefore = receipts.group(plan.batch(), group)
                .filter(receipt -> receipt.status() == Receipt.Status.DONE)
                .isPresent();
        if (doneBefore) {
            sendNextStage(plan);
            return name + ": done before";
        }
        Standing chunks = fanIn.lookAtGroup(plan, group)
                .against(new SnapshotCatalog(tools.store(), plan.database())
                        .live()
                        .lineage());
        if (!chunks.settled()) {
            // Whoever settles the last of them sends this again.
            return name + ": waits for " + chunks.missing().size() + " chunks";
        }
        Receipt receipt = receipts.raisePlanned(receipt(plan, group, chunks, name));
        sendNextStage(plan);
        return name + ": "
                + (receipt.intermediate() == null
                        ? "nothing merged"
                        : receipt.records() + " records of " + receipt.inputs().size() + " chunks");
    }

    /** A group that killed its workers is over: the final merge does without. */
    void failed(MergeGroup message, Failure failure) {
        Plan plan = plan(message);
        var _ = receipts.raisePlanned(failedReceipt(plan, message.groupIndex(), failure));
        sendNextStage(plan);
    }

    private Plan plan(MergeGroup message) {
        String batch = message.batchId();
        Plan plan = plans.read(batch)
                .filter(each -> !each.groups().isEmpty())
                .orElseThrow(() -> FailureException.input(
                        "nothing-to-merge",
                        "chunk_group is missing, and so are groups_s3_key and a plan with groups of batch " + batch));
        if (message.database() != null && !message.database().equals(plan.database())) {
            throw FailureException.input(
                    "batch-id-reused",
                    "batch_id " + batch + ": its plan is for database " + plan.database() + ", this message for "
                            + message.database());
        }
        if (message.groupIndex() >= plan.groups().size()) {
            throw FailureException.input(
                    "group-not-found",
                    "group_index " + message.groupIndex() + ": the plan of batch " + batch + " has "
                            + plan.groups().size() + " groups");
        }
        return plan;
    }

    /**
     * One chunk alone would only be copied. What is published already is not among them, and what is gone is left to the
     * final merge, which has it made again.
     */
    private Receipt receipt(Plan plan, int group, Standing chunks, String name) {
        List<Item> done = chunks.items().stream().filter(this::isThere).toList();
        if (done.size() < 2) {
            return Receipt.empty(plan.database(), plan.batch(), Receipt.Kind.GROUP, group, List.of(), tools.build());
        }
        try {
            return groupMerge.run(plan.database(), plan.batch(), group, done, name);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INPUT) {
                throw e;
            }
            // No letter: nothing is lost, and what is wrong with a chunk is said when the chunk itself is refused.
            LOG.atWarn()
                    .addKeyValue(Keys.BATCH_ID, plan.batch())
                    .addKeyValue(Keys.REASON, e.failure().reason())
                    .log(
                            "{} is not merged, its chunks are taken one by one: {}",
                            name,
                            e.failure().message());
            return failedReceipt(plan, group, e.failure());
        }
    }

    private boolean isThere(Item item) {
        return item.state() instanceof State.Done(var _, var _, Receipt receipt)
                && receipt != null
                && receipt.intermediate() != null
                && receipts.isThere(receipt.intermediate());
    }

    private Receipt failedReceipt(Plan plan, int group, Failure failure) {
        return Receipt.failed(
                plan.database(), plan.batch(), Receipt.Kind.GROUP, group, List.of(), failure, tools.build());
    }

    private void sendNextStage(Plan plan) {
        List<Next> next = fanIn.afterGroup(plan);
        if (!next.isEmpty()) {
            tools.sender().send(NextMessages.of(plan, next));
        }
    }
}
