package dev.chromacompactor.job;

import dev.chromacompactor.batch.Base;
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
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Claim;
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
 *
 * <p>One at a time for each database, as far as that can be had for a {@link Claim}: it takes along every batch that is
 * ready, and looks again after each commit until nothing is left, so nobody waits for the messages of those that were put off.
 */
final class PublishJob {
    private static final Logger LOG = LoggerFactory.getLogger(PublishJob.class);

    /** Versions made and races lost in one job. The winner has usually taken our chunks along, so even three losses are rare. */
    private static final int MOST_ROUNDS = 30;
    /** A counted chunk may be heard of for so long after its batch was. */
    private static final Duration CHUNK_PATIENCE = Duration.ofSeconds(45);

    /** Then twice as long each time: each receive counts for SQS, which makes the message a dead letter after so many. */
    private static final Duration FIRST_WAIT = Duration.ofSeconds(5);

    /**
     * From this receive on it publishes beside whoever else does: the claim is only a hint, and a batch that nobody takes
     * along must not wait for ever.
     */
    private static final int IMPATIENT = 6;

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
        Plan plan = plan(message);
        String database = plan.database();
        var markers = new OpenBatches(tools.store(), database);
        markers.open(plan.batch());
        Instant opened = markers.since(plan.batch());
        SnapshotCatalog catalog = new SnapshotCatalog(tools.store(), database);
        var letters = new Letters(database, plan.batch());
        var pauses = new Pauses(tools.store(), clock);
        String name = "final merge of " + plan.batch();
        Instant begun = started;
        String published = null;
        try (Scratch scratch = tools.recipe().budget().scratch("publish", name);
                Claim claim = new Claim(tools.store(), database, name)) {
            var version = new VersionBuild(tools, database, scratch, retries);
            for (int round = 0; round < MOST_ROUNDS; round++) {
                pauses.requireNone(database);
                Live live = catalog.live();
                Standing own = new FanIn(tools.store()).look(plan, opened);
                if (receives < IMPATIENT
                        && !claim.taken()
                        && live instanceof Live.Ours ours
                        && waits(own, ours)
                        && claim.isHeld()) {
                    return putOff(plan, receives);
                }
                List<Standing> open = batches(own);
                List<Standing> batches = version.admitted(live, open);
                Take take = version.fitting(Take.decide(version.base(live), batches, own));
                // One that is not ready and never will be is only closed.
                if (!take.ownReady() && !take.closed().contains(plan.batch())) {
                    return new Outcome.Done(await(own, live));
                }
                if (take.nothing()) {
                    claim.giveBack(); // what is ready from here on, we have not seen
                    letters.send(take.refused());
                    return new Outcome.Done(close(plan, batches, take, catalog.live(), started));
                }
                if (!claim.taken()) {
                    if (!claim.take(() -> version.makeRoom(live, take))) {
                        if (!take.holds(plan.batch())) {
                            return new Outcome.Done(close(plan, batches, take, live, started));
                        }
                        if (receives < IMPATIENT) {
                            return putOff(plan, receives);
                        }
                    }
                    if (!catalog.isStill(live)) {
                        continue; // whoever had it before us has just published
                    }
                }
                switch (version.attempt(live, take, open, () -> {
                    pauses.requireNone(database);
                    letters.send(take.refused());
                })) {
                    case VersionBuild.Attempt.Settled(CommitOutcome.Committed committed) -> {
                        Instant now = clock.instant();
                        tools.metrics().published(database, Duration.between(begun, now), traffic.cut());
                        begun = now;
                        published = committed.version();
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
        if (published != null) {
            return new Outcome.Done(name + ": inside since " + published + ", others go on");
        }
        throw new FailureException(
                Blame.CONFLICT,
                "pointer-contended",
                "publish batch " + plan.batch() + " of " + database + ": the pointer moved in each of " + MOST_ROUNDS
                        + " rounds");
    }

    /** Whether something of this batch alone is to be taken in: what to know before everybody else's receipts are read. */
    private static boolean waits(Standing own, Live.Ours live) {
        return Take.decide(Base.of(live), List.of(own), own).holds(own.batch());
    }

    /** Whoever publishes takes our batch along, so it hardly matters when we come again to find it inside. */
    private static Outcome putOff(Plan plan, int receives) {
        return new Outcome.PutOff(
                new Failure(
                        Blame.CONFLICT,
                        "publish-under-way",
                        "final merge of " + plan.batch() + ": " + Claim.key(plan.database())
                                + " says that somebody publishes " + plan.database() + " now"),
                FIRST_WAIT.multipliedBy(1L << Math.clamp(receives - 1L, 0, IMPATIENT)));
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

    /** History, events, markers, for every batch that was looked at and of which nothing is left to take. */
    private String close(Plan plan, List<Standing> batches, Take take, Live live, Instant started) {
        Published own = null;
        for (Standing batch : batches) {
            if (!batch.against(live.lineage()).ready() || take.holds(batch.batch())) {
                continue;
            }
            Published now = Published.of(batch, live, take.excuses());
            Published published =
                    Published.read(tools.store(), batch.batch()).map(now::after).orElse(now);
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
        private final String own;
        private final Set<List<String>> sent = new HashSet<>();

        Letters(String database, String own) {
            this.database = database;
            this.own = own;
        }

        void send(List<Excuse> refused) {
            for (Excuse excuse : refused) {
                String input = Objects.requireNonNullElse(excuse.input(), "");
                if (sent.add(List.of(excuse.chunk().text(), input, excuse.reason()))) {
                    letter(excuse);
                }
            }
        }

        /**
         * A replay of the letter processes the chunk again, and its publish looks again whether it fits. What is no chunk of
         * a batch cannot be made again: then it only looks, by our batch, as each final merge looks at every open one.
         */
        private void letter(Excuse excuse) {
            ChunkName chunk = excuse.chunk();
            String batch = chunk.batch().orElse(own);
            String body = chunk.index()
                    .map(index -> StageMessages.processChunk(batch, index, database))
                    .orElseGet(() -> StageMessages.finalMerge(batch, database));
            tools.letters()
                    .send(
                            body,
                            new Failure(
                                    Blame.INPUT,
                                    excuse.reason(),
                                    "refused at publish, chunk " + chunk + ": " + excuse.message()));
        }
    }
}
