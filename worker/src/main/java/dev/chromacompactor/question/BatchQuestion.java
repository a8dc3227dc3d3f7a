package dev.chromacompactor.question;

import dev.chromacompactor.batch.Base;
import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Swept;
import dev.chromacompactor.batch.Take;
import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.question.BatchAnswer.Obstacle;
import dev.chromacompactor.question.BatchAnswer.Outside;
import dev.chromacompactor.question.BatchAnswer.State;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Why a batch that has a plan is not published. Goes through the conditions of a publish in its order; the first unmet one
 * is the answer.
 */
final class BatchQuestion {
    /** Longer than most jobs, and as long as idle workers wait, unless set, before they send again what got lost. */
    private static final Duration QUIET = Duration.ofHours(1);

    private static final Pattern RECEIPT = Pattern.compile("/(chunk|group)-\\d+\\.json$");

    private final ObjectStore store;
    private final String batch;

    BatchQuestion(ObjectStore store, String batch) {
        this.store = store;
        this.batch = batch;
    }

    BatchAnswer answer() {
        return new Plans(store)
                .read(batch)
                .map(this::planned)
                .orElseGet(() -> new UnplannedBatch(store, batch).answer());
    }

    private BatchAnswer planned(Plan plan) {
        Optional<Instant> marker =
                store.head(BatchKeys.open(plan.database(), batch)).map(ObjectInfo::lastModified);
        Live live;
        try {
            live = new SnapshotCatalog(store, plan.database()).live();
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INVARIANT) {
                throw e;
            }
            return halted(plan, e.failure(), marker.orElse(null));
        }
        Standing seen = new FanIn(store).look(plan);
        Standing own = new Standing(plan, seen.items(), seen.groups(), marker.orElse(null));
        Base base = live instanceof Live.Ours ours ? Base.of(ours) : Base.NONE;
        return new Case(store, plan, live, own, Take.decide(base, List.of(own), own)).answer();
    }

    private static BatchAnswer halted(Plan plan, Failure failure, @Nullable Instant openSince) {
        return new BatchAnswer(
                plan.batch(),
                plan.database(),
                State.PUBLISHING_HALTED,
                failure.reason(),
                "nothing of " + plan.database() + " is published, since the bucket contradicts itself: "
                        + failure.message(),
                "compactor snapshot list --database " + plan.database()
                        + " shows what is there; docs/operations.md says what to do for each reason",
                plan.policy(),
                openSince,
                null,
                plan.parts().size(),
                0,
                List.of());
    }

    /** One look at everything. */
    private static final class Case {
        private final ObjectStore store;
        private final Plan plan;
        private final Live live;
        private final Standing own;
        private final Take take;
        private final Instant now;
        private final Outsiders outsiders;
        private final List<ObjectInfo> results;

        Case(ObjectStore store, Plan plan, Live live, Standing seen, Take take) {
            this.store = store;
            this.plan = plan;
            this.live = live;
            this.own = seen.against(live.lineage());
            this.take = take;
            this.now = store.now();
            this.outsiders = Outsiders.of(store, own, live.lineage(), take.excuses());
            this.results = store.list(BatchKeys.folder(plan.batch())).stream()
                    .filter(info -> RECEIPT.matcher(info.key()).find())
                    .toList();
        }

        BatchAnswer answer() {
            if (outsiders.inside() == own.items().size()) {
                return wholly();
            }
            if (longAgo()) {
                return past();
            }
            if (outsiders.any(Obstacle.MISSING)) {
                return own.openSince() == null && results.isEmpty() && plan.origin() == Plan.Origin.ENQUEUED
                        ? notSent()
                        : unlessPaused(waiting());
            }
            if (plan.policy() == Policy.HOLD && outsiders.any(Obstacle.FAILED)) {
                return onHold();
            }
            if (!take.nothing()) {
                return unlessPaused(ready());
            }
            return leftOut();
        }

        private BatchAnswer wholly() {
            if (!outsiders.list().isEmpty()) {
                return leftOut();
            }
            String version = version();
            return version == null
                    ? says(State.EMPTY, null, "its chunks held nothing, so there was nothing to publish", Advice.NONE)
                    : says(State.INSIDE, null, "all of it is in the live version, since " + version, Advice.NONE);
        }

        /** Everything that is not inside is older than what manifests remember, and nobody waits for it. */
        private boolean longAgo() {
            long horizon = live.lineage().horizon();
            Instant since = own.openSince();
            return (since == null || since.toEpochMilli() < horizon) && outsiders.allBefore(horizon);
        }

        private BatchAnswer past() {
            Published history = Published.read(store, plan.batch()).orElse(null);
            if (history == null || history.inside().isEmpty()) {
                return says(
                        State.EXPIRED,
                        null,
                        "its deltas were written before "
                                + Instant.ofEpochMilli(live.lineage().horizon()) + ", the horizon of " + plan.database()
                                + "; what is older is not merged any more",
                        "if its records are still wanted, write them again as new deltas");
            }
            String what = "was published by " + history.version() + ", says " + BatchKeys.published(plan.batch())
                    + "; manifests do not list what is that old";
            return history.excused().isEmpty()
                    ? says(State.INSIDE_BEFORE_HORIZON, null, "all of it " + what, Advice.NONE)
                    : says(
                            State.PARTLY_INSIDE,
                            history.excused().getFirst().reason(),
                            history.inside().size() + " of " + own.items().size() + " chunks: it " + what,
                            "it is too old now to take in the others");
        }

        private BatchAnswer notSent() {
            return says(
                    State.NOT_SENT,
                    null,
                    "its plan is there, but neither its marker nor a result: whoever enqueued it did not come to the end",
                    Advice.enqueueAgain(plan));
        }

        private BatchAnswer waiting() {
            List<ChunkName> missing = outsiders.names(Obstacle.MISSING);
            Optional<Instant> last = lastResult();
            String because = "waits for " + missing.size() + " of "
                    + Words.chunks(own.items().size()) + ": " + Words.names(missing) + "; " + openFor() + ", "
                    + last.map(at -> "the last result came " + ago(at)).orElse("no result came yet");
            Optional<Failure> stuck = own.stuck();
            if (stuck.isPresent()) {
                because += "; " + stuck.get().message();
            }
            because += swept();
            boolean quiet = quiet(last.orElse(null));
            return says(
                    State.WAITING_FOR_CHUNKS,
                    stuck.map(Failure::reason).orElse(null),
                    because,
                    own.openSince() == null && plan.origin() == Plan.Origin.ENQUEUED
                            ? Advice.enqueueAgain(plan)
                            : quiet || stuck.isPresent() ? Advice.looksLost(plan.batch()) : Advice.watch(plan.batch()));
        }

        private BatchAnswer onHold() {
            Outside first = outsiders.first(Obstacle.FAILED);
            return says(
                    State.ON_HOLD,
                    first.reason(),
                    "its policy is hold, so nothing of it is published until all is in, and "
                            + Words.chunks(outsiders.names(Obstacle.FAILED).size()) + " failed; " + first.chunk() + ": "
                            + first.message(),
                    Advice.replay(plan.batch()));
        }

        private BatchAnswer ready() {
            Optional<Instant> last = lastResult();
            boolean quiet = quiet(last.orElse(null));
            return says(
                    State.READY,
                    null,
                    "is on its way: all chunks have their results, and "
                            + Words.chunks(take.singles().size()) + " can be taken in"
                            + last.map(at -> ", since " + at).orElse("")
                            + (own.merging() ? "; they are merged in groups first" : "; no publish has yet") + swept(),
                    quiet ? Advice.looksLost(plan.batch()) : Advice.watch(plan.batch()));
        }

        /** Nothing is left to take, and not all of it is inside. */
        private BatchAnswer leftOut() {
            Outside first = outsiders.list().getFirst();
            if (outsiders.any(Obstacle.ROLLED_BACK)) {
                List<ChunkName> gone = outsiders.names(Obstacle.ROLLED_BACK);
                return says(
                        State.ROLLED_BACK,
                        null,
                        Words.names(gone) + " was inside and was taken out by a rollback; it stays out until released",
                        Advice.release(plan.database(), gone));
            }
            String excused = first.chunk() + (first.delta() == null ? "" : " (" + first.delta() + ")") + ": "
                    + first.reason() + ": " + first.message()
                    + (outsiders.list().size() > 1
                            ? ", and " + (outsiders.list().size() - 1) + " more"
                            : "");
            String advice =
                    first.obstacle() == Obstacle.REFUSED ? Advice.sendAgain(plan, first) : Advice.replay(plan.batch());
            if (outsiders.inside() > 0) {
                return says(
                        State.PARTLY_INSIDE,
                        first.reason(),
                        outsiders.inside() + " of " + Words.chunks(own.items().size())
                                + " are inside" + (version() == null ? "" : ", since " + version())
                                + "; excused: " + excused,
                        advice);
            }
            boolean refused = outsiders.any(Obstacle.REFUSED);
            return says(
                    refused ? State.REFUSED_AT_PUBLISH : State.ALL_FAILED,
                    first.reason(),
                    (refused
                                    ? "does not fit to the snapshot, so it is left out: "
                                    : "none of its chunks came through: ")
                            + excused,
                    advice);
        }

        /** Of all that can stand in the way, this one comes first. */
        private BatchAnswer unlessPaused(BatchAnswer otherwise) {
            var pauses = new Pauses(store, () -> now);
            Pause everything = pauses.holding(null).orElse(null);
            Pause pause = everything != null
                    ? everything
                    : pauses.holding(plan.database()).orElse(null);
            if (pause == null) {
                return otherwise;
            }
            return says(
                    State.PAUSED,
                    null,
                    (everything != null ? "everything" : "publishing of " + plan.database()) + " is paused: "
                            + pause.words() + "; beside that it " + otherwise.because(),
                    "compactor resume" + (everything != null ? "" : " --database " + plan.database()));
        }

        private BatchAnswer says(State state, @Nullable String reason, String because, String advice) {
            return new BatchAnswer(
                    plan.batch(),
                    plan.database(),
                    state,
                    reason,
                    because,
                    advice,
                    plan.policy(),
                    own.openSince(),
                    version(),
                    own.items().size(),
                    outsiders.inside(),
                    outsiders.list());
        }

        /** The last one that took something of it in. */
        private @Nullable String version() {
            return Outsiders.takenInBy(own, live.lineage());
        }

        private Optional<Instant> lastResult() {
            return results.stream().map(ObjectInfo::lastModified).max(Comparator.naturalOrder());
        }

        /** What idle workers did about it. */
        private String swept() {
            return Swept.read(store, plan.batch())
                    .map(swept -> "; idle workers looked after it "
                            + (swept.times() == 1 ? "once" : swept.times() + " times, the last time")
                            + " " + ago(Instant.ofEpochMilli(swept.at())) + " and sent "
                            + (swept.messages() == 1 ? "1 message" : swept.messages() + " messages"))
                    .orElse("");
        }

        private boolean quiet(@Nullable Instant last) {
            Instant since = last != null ? last : own.openSince();
            return since == null || Duration.between(since, now).compareTo(QUIET) > 0;
        }

        private String openFor() {
            Instant since = own.openSince();
            return since == null ? "it has no marker" : "open for " + Words.age(age(since));
        }

        private String ago(Instant at) {
            return Words.age(age(at)) + " ago";
        }

        private Duration age(Instant at) {
            Duration age = Duration.between(at, now);
            return age.isNegative() ? Duration.ZERO : age;
        }
    }
}
