package dev.chromacompactor.job;

import dev.chromacompactor.batch.Base;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Take;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
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
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The publish of one batch: read the pointer first and the receipts after it, choose what to take, build on the live version, and
 * move the pointer if it is still the same. A lost race costs only this last step; what was fetched stays valid.
 *
 * <p>One at a time for each database, as far as that can be had for a {@link Claim}: it takes along every batch that is
 * ready, and looks again after each commit until nothing is left, so nobody waits for the messages of those that were put off.
 */
final class Publishing {
    private static final Logger LOG = LoggerFactory.getLogger(Publishing.class);

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
    private final Plan plan;
    private final String database;
    private final int receives;
    private final Instant started;
    private final OpenBatches markers;
    private final Instant opened;
    private final FanIn fanIn;
    private final SnapshotCatalog catalog;
    private final RefusalLetters letters;
    private final Pauses pauses;
    private Instant begun;
    private @Nullable String published;

    /** @param receives of the message so far */
    Publishing(Tools tools, InstantSource clock, Plan plan, int receives, Instant started) {
        this.tools = tools;
        this.clock = clock;
        this.plan = plan;
        this.database = plan.database();
        this.receives = receives;
        this.started = started;
        this.begun = started;
        this.markers = new OpenBatches(tools.store(), database);
        markers.open(plan.batch());
        this.opened = markers.since(plan.batch());
        this.fanIn = new FanIn(tools.store());
        this.catalog = new SnapshotCatalog(tools.store(), database);
        this.letters = new RefusalLetters(tools.letters(), database, plan.batch());
        this.pauses = new Pauses(tools.store(), clock);
    }

    /** @param traffic of this job, by which it says what a version took */
    Outcome run(Retries retries, Traffic traffic) {
        String name = "final merge of " + plan.batch();
        try (Scratch scratch = tools.recipe().budget().scratch("publish", name);
                Claim claim = new Claim(tools.store(), database, name)) {
            var version = new VersionBuild(tools, database, scratch, retries);
            for (int round = 0; round < MOST_ROUNDS; round++) {
                Optional<Outcome> end = round(version, claim, traffic);
                if (end.isPresent()) {
                    return end.get();
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

    /** @return empty if somebody has to look again, because the pointer has moved or something did not fit */
    private Optional<Outcome> round(VersionBuild version, Claim claim, Traffic traffic) {
        pauses.requireNone(database);
        Live live = catalog.live();
        Standing own = fanIn.look(plan, opened);
        if (receives < IMPATIENT
                && !claim.taken()
                && live instanceof Live.Ours ours
                && waits(own, ours)
                && claim.isHeld()) {
            return Optional.of(putOff());
        }
        List<Standing> open = batches(own);
        List<Standing> batches = version.admitted(live, open);
        Take take = version.fitting(Take.decide(version.base(live), batches, own));
        // One that is not ready and never will be is only closed.
        if (!take.ownReady() && !take.closed().contains(plan.batch())) {
            return Optional.of(new Outcome.Done(await(own, live)));
        }
        if (take.nothing()) {
            claim.giveBack(); // what is ready from here on, we have not seen
            letters.send(take.refused());
            return Optional.of(new Outcome.Done(close(batches, take, catalog.live())));
        }
        if (!claim.taken()) {
            if (!claim.take(() -> version.makeRoom(live, take))) {
                if (!take.holds(plan.batch())) {
                    return Optional.of(new Outcome.Done(close(batches, take, live)));
                }
                if (receives < IMPATIENT) {
                    return Optional.of(putOff());
                }
            }
            if (!catalog.isStill(live)) {
                return Optional.empty(); // whoever had it before us has just published
            }
        }
        settle(
                version.attempt(live, take, open, () -> {
                    pauses.requireNone(database);
                    letters.send(take.refused());
                }),
                traffic);
        return Optional.empty();
    }

    private void settle(VersionBuild.Attempt attempt, Traffic traffic) {
        switch (attempt) {
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

    /** Whether something of this batch alone is to be taken in: what to know before everybody else's receipts are read. */
    private static boolean waits(Standing own, Live.Ours live) {
        return Take.decide(Base.of(live), List.of(own), own).holds(own.batch());
    }

    /** Whoever publishes takes our batch along, so it hardly matters when we come again to find it inside. */
    private Outcome putOff() {
        return new Outcome.PutOff(
                new Failure(
                        Blame.CONFLICT,
                        "publish-under-way",
                        "final merge of " + plan.batch() + ": " + Claim.key(plan.database())
                                + " says that somebody publishes " + plan.database() + " now"),
                FIRST_WAIT.multipliedBy(1L << Math.clamp(receives - 1L, 0, IMPATIENT)));
    }

    /** Ours as the message sees it, and every other open batch of the database. */
    private List<Standing> batches(Standing own) {
        List<Standing> batches = new ArrayList<>();
        batches.add(own);
        batches.addAll(fanIn.openBeside(own.plan()));
        return batches;
    }

    /** Whoever settles the batch sends again, so this message has done its part; unless nobody will. */
    private String await(Standing batch, Live live) {
        Standing own = batch.against(live.lineage());
        own.stuck().ifPresent(failure -> {
            if (failure.blame() == Blame.DOUBTFUL) {
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
    private String close(List<Standing> batches, Take take, Live live) {
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
        markers.close(take.closed());
        return "final merge of " + plan.batch() + ": "
                + (own == null || own.version() == null
                        ? "no new version, nothing to take"
                        : "inside since " + own.version() + ", " + own.totalEmbeddings() + " records");
    }
}
