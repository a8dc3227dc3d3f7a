package dev.chromacompactor.cli;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.question.BatchAnswer;
import dev.chromacompactor.question.BatchAnswer.Obstacle;
import dev.chromacompactor.question.BatchAnswer.State;
import dev.chromacompactor.question.Questions;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Follows a batch until nothing more is to come by itself. */
final class Following {
    private static final Duration LOOK = Duration.ofMillis(500);
    /** In between only the receipts are counted, or the pointer is looked at: a batch of thousands takes minutes to look at. */
    private static final int LOOKS_TO_A_QUESTION = 20;

    /** Waits between two looks. */
    @FunctionalInterface
    interface Pace {
        void pause(Duration length) throws InterruptedException;
    }

    private final ObjectStore store;
    private final String batch;
    private final Output output;
    private final boolean events;
    private final InstantSource clock;
    private final Pace pace;
    private final Eta eta = new Eta();
    private @Nullable Progress shown;

    /** @param events whether a machine gets each step as a line of JSON, or only the end */
    Following(ObjectStore store, String batch, Output output, boolean events, InstantSource clock, Pace pace) {
        this.store = store;
        this.batch = batch;
        this.output = output;
        this.events = events;
        this.clock = clock;
        this.pace = pace;
    }

    /** @param secondsLeft an estimate by the rate of chunks so far; null as long as there is none */
    record Progress(
            String event,
            String batchId,
            State state,
            int chunks,
            int settled,
            int failed,
            int inside,
            @Nullable Long secondsLeft) {
        /** Apart from the estimate, which changes all the time. */
        boolean sameAs(@Nullable Progress other) {
            return other != null
                    && state == other.state
                    && settled == other.settled
                    && failed == other.failed
                    && inside == other.inside;
        }
    }

    /** A chunk that is not inside, or a delta of it. */
    record Excused(
            ChunkName chunk,
            @Nullable String delta,
            @Nullable String reason,
            String message) {}

    /** @param held whether nothing is published because of what is excused */
    record End(
            String event,
            String batchId,
            @Nullable String database,
            State state,
            int chunks,
            int published,
            boolean held,
            List<Excused> excused) {}

    /**
     * Returns the exit code: 3 if anything is not inside.
     *
     * @throws FailureException {@code INPUT batch-unknown}
     */
    int untilOver() throws InterruptedException {
        var bye = Thread.ofPlatform()
                .name("bye")
                .unstarted(() -> output.leave(
                        "stopped watching; the batch goes on. compactor batch watch " + batch + " comes back to it"));
        Runtime.getRuntime().addShutdownHook(bye);
        try {
            return follow();
        } finally {
            leave(bye);
        }
    }

    private static void leave(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return; // the process is being stopped, and the hook says so
        }
    }

    private int follow() throws InterruptedException {
        var questions = new Questions(store);
        BatchAnswer answer = questions.explain(batch);
        if (answer.state() == State.UNKNOWN) {
            throw FailureException.input("batch-unknown", "batch " + batch + ": " + answer.because());
        }
        int looks = 0;
        while (!answer.state().over()) {
            int settled = settled(answer);
            String pointer = pointer(answer);
            tell(answer, settled);
            pace.pause(LOOK);
            boolean news = switch (answer.state()) {
                case WAITING_FOR_CHUNKS -> settled(answer) != settled;
                case READY -> !pointer(answer).equals(pointer);
                default -> true;
            };
            boolean worthIt = news || ++looks % LOOKS_TO_A_QUESTION == 0;
            answer = worthIt ? questions.explain(batch) : answer;
        }
        return end(answer);
    }

    /** Of a batch that only has to be published: one small request tells whether something was. */
    private String pointer(BatchAnswer answer) {
        String database = answer.database();
        if (database == null || answer.state() != State.READY) {
            return "";
        }
        return store.head(new SnapshotCatalog(store, database).pointerKey())
                .map(ObjectInfo::etag)
                .orElse("");
    }

    /** Of a plan that names its chunks the receipts tell, and one listing counts them. */
    private int settled(BatchAnswer answer) {
        int known = answer.chunks() - count(answer, Obstacle.MISSING);
        if (answer.state() != State.WAITING_FOR_CHUNKS) {
            return known;
        }
        String chunks = BatchKeys.folder(batch) + "chunk-";
        return Math.max(known, Math.min(answer.chunks(), store.list(chunks).size()));
    }

    private void tell(BatchAnswer answer, int settled) {
        eta.saw(clock.instant(), settled);
        Duration left = answer.state() == State.WAITING_FOR_CHUNKS
                ? eta.left(clock.instant(), answer.chunks()).orElse(null)
                : null;
        var now = new Progress(
                "progress",
                batch,
                answer.state(),
                answer.chunks(),
                settled,
                count(answer, Obstacle.FAILED),
                answer.inside(),
                left == null ? null : left.toSeconds());
        if (output.refreshes() || !now.sameAs(shown)) {
            output.follow(text(now, left));
        }
        if (events && !now.sameAs(shown)) {
            output.event(now);
        }
        shown = now;
    }

    private static String text(Progress now, @Nullable Duration left) {
        String folded = "%,d of %,d chunks folded".formatted(now.settled() - now.failed(), now.chunks())
                + (now.failed() > 0 ? ", " + now.failed() + " failed" : "");
        return folded
                + switch (now.state()) {
                    case WAITING_FOR_CHUNKS -> left == null ? "" : ", about " + Eta.words(left) + " left";
                    case READY -> ", being published";
                    default -> ", " + now.state().label();
                };
    }

    private int end(BatchAnswer answer) {
        List<Excused> excused = answer.outside().stream()
                .map(each -> new Excused(each.chunk(), each.delta(), each.reason(), each.message()))
                .toList();
        boolean held = answer.state() == State.ON_HOLD;
        var text = new StringBuilder(
                "batch %s: %,d of %,d chunks published".formatted(batch, answer.inside(), answer.chunks()));
        if (held) {
            text.append("; it is held until all are in");
        }
        for (Excused each : excused) {
            text.append("\n  not inside: ")
                    .append(each.chunk())
                    .append(each.delta() == null ? "" : " (" + each.delta() + ")")
                    .append(each.reason() == null ? "" : ": " + each.reason())
                    .append(": ")
                    .append(each.message());
        }
        if (!answer.state().published()) {
            text.append(excused.isEmpty() ? "\n" + answer.because() : "")
                    .append("\nto do: ")
                    .append(answer.advice());
        }
        output.result(
                new End(
                        "end",
                        batch,
                        answer.database(),
                        answer.state(),
                        answer.chunks(),
                        answer.inside(),
                        held,
                        excused),
                text.toString());
        return answer.state().published() ? 0 : ExitCode.FOUND_SOMETHING;
    }

    private static int count(BatchAnswer answer, Obstacle obstacle) {
        return (int) answer.outside().stream()
                .filter(each -> each.obstacle() == obstacle)
                .count();
    }
}
