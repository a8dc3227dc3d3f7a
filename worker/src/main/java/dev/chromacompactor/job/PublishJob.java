package dev.chromacompactor.job;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.PollResults;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.FinalMerge;
import dev.chromacompactor.telemetry.Traffic;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code final_merge} means "go and look": the message carries no state, and says only which batch it is about. */
final class PublishJob {
    private final Tools tools;
    private final InstantSource clock;
    private final Retries retries;

    PublishJob(Tools tools, InstantSource clock, Retries retries) {
        this.tools = tools;
        this.clock = clock;
        this.retries = retries;
    }

    /**
     * @param receives of the message so far
     * @return put off while somebody else publishes this database, else done
     */
    Outcome run(FinalMerge message, int receives) {
        var traffic = new Traffic();
        return new PublishJob(tools.counting(traffic), clock, retries).run(message, receives, traffic);
    }

    private Outcome run(FinalMerge message, int receives, Traffic traffic) {
        Instant started = clock.instant();
        if (message.nothing()) {
            return new Outcome.Done(nothing(message));
        }
        return new Publishing(tools, clock, plan(message), receives, started).run(retries, traffic);
    }

    private String nothing(FinalMerge message) {
        if (message.database() != null) {
            new Published(
                            Published.FORMAT,
                            message.batchId(),
                            message.database(),
                            null,
                            0,
                            0,
                            List.of(),
                            List.of(),
                            poll(message))
                    .write(tools.store());
        }
        return "final merge of " + message.batchId() + ": nothing to merge";
    }

    /** What the message goes by: its own list, which becomes the plan if there is none, or the plan. */
    private Plan plan(FinalMerge message) {
        Plans plans = new Plans(tools.store());
        List<ChunkResult> results = message.results();
        if (results != null) {
            List<Plan.Part> parts = results.stream().map(Parts::of).toList();
            return plans.createOrMeet(Plan.listed(message.batchId(), database(message, plans), parts, poll(message)));
        }
        Integer total = message.totalChunks();
        if (total != null) {
            return plans.createOrMeet(Plan.counted(message.batchId(), database(message, plans), total, poll(message)));
        }
        Plan plan = plans.read(message.batchId())
                .orElseThrow(() -> FailureException.input(
                        "nothing-to-merge",
                        "chunk_results is missing, and so are total_chunks and a plan of batch " + message.batchId()));
        if (message.database() != null && !message.database().equals(plan.database())) {
            throw FailureException.input(
                    "batch-id-reused",
                    "batch_id " + message.batchId() + ": its plan is for database " + plan.database()
                            + ", this message for " + message.database());
        }
        return plan;
    }

    /** The message's, else the plan's, else the one in a receipt of what it lists. */
    private String database(FinalMerge message, Plans plans) {
        if (message.database() != null) {
            return message.database();
        }
        Receipts receipts = new Receipts(tools.store());
        Stream<String> listed = message.results() == null
                ? Stream.of(BatchKeys.chunk(message.batchId(), 0))
                : message.results().stream()
                        .filter(ChunkResult.Intermediate.class::isInstance)
                        .map(result -> ((ChunkResult.Intermediate) result).key());
        return plans.read(message.batchId())
                .map(Plan::database)
                .or(() -> listed.flatMap(key -> receipts.ofIntermediate(key).stream())
                        .map(Receipt::database)
                        .findFirst())
                .orElseThrow(() -> FailureException.input(
                        "missing-field",
                        "database is missing, and neither plan nor receipts of batch " + message.batchId()
                                + " name one"));
    }

    private static @Nullable PollResults poll(FinalMerge message) {
        var poll = message.pollResults();
        return poll == null ? null : new PollResults(poll.bucket(), poll.key());
    }
}
