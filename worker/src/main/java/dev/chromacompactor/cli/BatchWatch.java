package dev.chromacompactor.cli;

import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.ChunkName;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Follows a batch until nothing more is to come by itself. */
final class BatchWatch {
    private static final long LOOK_MILLIS = 500;

    private final Producer producer;
    private final Plan plan;
    private final Output output;

    BatchWatch(Producer producer, Plan plan, Output output) {
        this.producer = producer;
        this.plan = plan;
        this.output = output;
    }

    /** A chunk that is not inside, or a delta of it. */
    record Excused(ChunkName chunk, String reason, String message) {}

    /** @param held whether nothing is published because of what is excused */
    record End(String batchId, String database, int chunks, long published, boolean held, List<Excused> excused) {}

    /** Returns the exit code: 3 if anything is not inside. */
    int untilOver() throws InterruptedException {
        var never = new CountDownLatch(1);
        while (true) {
            Standing standing = producer.standing(plan.batch());
            int chunks = standing.items().size();
            output.progress("chunks folded", chunks - standing.missing().size(), chunks);
            if (standing.settled()) {
                Map<ChunkName, Excused> excused = excused(standing);
                boolean held =
                        plan.policy() == Policy.HOLD && !standing.failed().isEmpty();
                if (held
                        || standing.items().stream()
                                .allMatch(item -> inside(item) || excused.containsKey(item.name()))) {
                    return end(standing, held, List.copyOf(excused.values()));
                }
            }
            var _ = never.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /** What failed, and what was folded but could not be taken in. */
    private Map<ChunkName, Excused> excused(Standing standing) {
        var excused = new TreeMap<ChunkName, Excused>();
        for (var excuse : producer.excused(plan.batch())) {
            excused.put(excuse.chunk(), new Excused(excuse.chunk(), excuse.reason(), excuse.message()));
        }
        for (Standing.Item item : standing.items()) {
            if (item.state() instanceof State.Failed failed) {
                excused.put(item.name(), new Excused(item.name(), failed.reason(), failed.message()));
            }
        }
        return excused;
    }

    private int end(Standing standing, boolean held, List<Excused> excused) {
        int chunks = standing.items().size();
        long inside = standing.items().stream().filter(BatchWatch::inside).count();
        var text = new StringBuilder("batch %s: %d of %d chunks published".formatted(plan.batch(), inside, chunks));
        if (held) {
            text.append("; it is held until all are in");
        }
        for (Excused each : excused) {
            text.append("\n  not inside: %s: %s: %s".formatted(each.chunk(), each.reason(), each.message()));
        }
        if (!excused.isEmpty()) {
            text.append("\nMend the input, then: compactor dlq replay --batch " + plan.batch() + " --yes");
        }
        output.result(new End(plan.batch(), plan.database(), chunks, inside, held, excused), text.toString());
        return excused.isEmpty() ? 0 : ExitCode.FOUND_SOMETHING;
    }

    private static boolean inside(Standing.Item item) {
        return item.state() instanceof State.Inside || item.state() instanceof State.Empty;
    }
}
