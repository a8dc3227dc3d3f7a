package dev.chromacompactor.job;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.PollResults;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Take;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.ChunkResult;
import dev.chromacompactor.message.Message.FinalMerge;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.CommitOutcome;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Traffic;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code final_merge} means "go and look": the message carries no state. Read the pointer first and the receipts after
 * it, choose what to take, build on the live version, and move the pointer if it is still the same. A lost race costs
 * only this last step; what was fetched stays valid.
 */
final class PublishJob {
    private static final Logger LOG = LoggerFactory.getLogger(PublishJob.class);

    /** Lost races in one job. The winner has usually taken our chunks along, so even three are rare. */
    private static final int MOST_ROUNDS = 30;
    /** A counted chunk may be heard of for so long after its batch was. */
    private static final Duration CHUNK_PATIENCE = Duration.ofSeconds(45);

    private final Tools tools;
    private final InstantSource clock;
    private final Retries retries;

    PublishJob(Tools tools, InstantSource clock, Retries retries) {
        this.tools = tools;
        this.clock = clock;
        this.retries = retries;
    }

    /** @return one line for the log */
    String run(FinalMerge message) {
        var traffic = new Traffic();
        return new PublishJob(tools.counting(traffic), clock, retries).run(message, traffic);
    }

    private String run(FinalMerge message, Traffic traffic) {
        Instant started = clock.instant();
        if (message.nothing()) {
            return nothing(message);
        }
        Plan plan = plan(message);
        String database = plan.database();
        new OpenBatches(tools.store(), database).open(plan.batch());
        SnapshotCatalog catalog = new SnapshotCatalog(tools.store(), database);
        var letters = new Letters(database);
        var pauses = new Pauses(tools.store(), clock);
        try (Scratch scratch = tools.recipe().budget().scratch("publish", "final merge of " + plan.batch())) {
            var version = new VersionBuild(tools, database, scratch, retries);
            for (int round = 0; round < MOST_ROUNDS; round++) {
                pauses.requireNone(database);
                Live live = catalog.live();
                Standing own = new FanIn(tools.store()).look(plan);
                List<Standing> open = batches(own);
                List<Standing> batches = version.admitted(live, open);
                Take take = version.fitting(Take.decide(version.base(live), batches, own));
                if (!take.ownReady()) {
                    return await(own, live);
                }
                if (take.nothing()) {
                    letters.send(take.refused());
                    return close(plan, batches, take, catalog.live(), started);
                }
                switch (version.attempt(live, take, open, () -> {
                    pauses.requireNone(database);
                    letters.send(take.refused());
                })) {
                    case VersionBuild.Attempt.Settled(CommitOutcome.Committed committed) -> {
                        tools.metrics().published(database, Duration.between(started, clock.instant()), traffic);
                        LOG.atInfo()
                                .addKeyValue(Keys.DATABASE, database)
                                .addKeyValue(Keys.BATCH_ID, plan.batch())
                                .addKeyValue(Keys.VERSION, committed.version())
                                .log("published");
                    }
                    case VersionBuild.Attempt.Settled(CommitOutcome.LostRace lost) -> {
                        tools.metrics().publishLost(database);
                        LOG.atInfo()
                                .addKeyValue(Keys.DATABASE, database)
                                .addKeyValue(Keys.BATCH_ID, plan.batch())
                                .log("pointer moved meanwhile, joined anew with the new version: {}", lost.why());
                    }
                    case VersionBuild.Attempt.Misfit(List<Excuse> excuses) -> letters.send(excuses);
                }
            }
        }
        throw new FailureException(
                Blame.CONFLICT,
                "pointer-contended",
                "publish batch " + plan.batch() + " of " + database + ": the pointer moved in each of " + MOST_ROUNDS
                        + " rounds");
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

    /** Ours as the message sees it, and every other open batch of the database. */
    private List<Standing> batches(Standing own) {
        List<Standing> batches = new ArrayList<>();
        batches.add(own);
        batches.addAll(new FanIn(tools.store()).openBeside(own.plan()));
        return batches;
    }

    /** Whoever settles the batch sends again, so this message has done its part; unless nobody will. */
    private String await(Standing batch, Live live) {
        Standing own = batch.against(live.lineage());
        own.stuck().ifPresent(failure -> {
            if (failure.blame() == Blame.DOUBTFUL) {
                Instant opened = new OpenBatches(tools.store(), own.plan().database()).since(own.batch());
                throw FailureException.notWholeUntil(opened.plus(CHUNK_PATIENCE), failure, null);
            }
            throw new FailureException(failure.blame(), failure.reason(), failure.message());
        });
        String what = own.missing().isEmpty()
                ? "on hold, " + own.failed().size() + " chunks failed"
                : "waits for " + own.missing().size() + " of " + own.items().size() + " chunks";
        return "final merge of " + own.batch() + ": " + what;
    }

    /** Nothing is left to take: history, events, letters, markers, for every batch that was looked at. */
    private String close(Plan plan, List<Standing> batches, Take take, Live live, Instant started) {
        Published own = null;
        for (Standing batch : batches) {
            if (!batch.against(live.lineage()).ready()) {
                continue;
            }
            Published published = Published.of(batch, live, take.excuses());
            if (batch.batch().equals(plan.batch())) {
                own = published;
            }
            if (published.isNews(tools.store())) {
                Events.send(tools, published, Duration.between(started, clock.instant()));
                published.write(tools.store());
            }
        }
        new OpenBatches(tools.store(), plan.database()).close(take.closed());
        return "final merge of " + plan.batch() + ": "
                + (own == null || own.version() == null
                        ? "no new version, nothing to take"
                        : "inside since " + own.version() + ", " + own.totalEmbeddings() + " records");
    }

    /**
     * Letters for what is refused, each once for this job. Before the pointer names a version whose manifest remembers
     * the refusal: from then on it is no news, and whoever comes after us would send none.
     */
    private final class Letters {
        private final String database;
        private final Set<List<String>> sent = new HashSet<>();

        Letters(String database) {
            this.database = database;
        }

        void send(List<Excuse> refused) {
            for (Excuse excuse : refused) {
                String input = Objects.requireNonNullElse(excuse.input(), "");
                if (sent.add(List.of(excuse.chunk().text(), input, excuse.reason()))) {
                    letter(database, excuse);
                }
            }
        }
    }

    /** A replay of the letter processes the chunk again, and its publish looks again whether it fits. */
    private void letter(String database, Excuse excuse) {
        String name = excuse.chunk().text();
        int slash = name.lastIndexOf('/');
        String batch = slash < 0 ? name : name.substring(0, slash);
        String body = slash >= 0 && name.substring(slash + 1).matches("\\d{1,9}")
                ? StageMessages.processChunk(batch, Integer.parseInt(name.substring(slash + 1)), database)
                : StageMessages.finalMerge(batch, database);
        tools.letters()
                .send(
                        body,
                        new Failure(
                                Blame.INPUT,
                                excuse.reason(),
                                "refused at publish, chunk " + name + ": " + excuse.message()));
    }
}
