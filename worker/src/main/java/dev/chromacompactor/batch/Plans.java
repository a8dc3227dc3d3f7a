package dev.chromacompactor.batch;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.store.ObjectStore;
import java.util.Optional;

/** The plans in the bucket. A plan is written once and never again. */
public final class Plans {
    private final ObjectStore store;

    public Plans(ObjectStore store) {
        this.store = store;
    }

    public Optional<Plan> read(String batch) {
        String key = BatchKeys.plan(batch);
        return store.read(key).map(content -> parsed(key, content.bytes()));
    }

    /**
     * A producer's plan. With an equal one there already the job is finished, not begun anew; its groups stay as they are.
     *
     * @return the plan that is there now
     * @throws FailureException {@code INPUT batch-id-reused} if another plan is there
     */
    public Plan create(Plan plan) {
        Plan there = firstOf(plan);
        if (!there.isSameBatch(plan)) {
            throw there.reused("its plan has other content");
        }
        return there;
    }

    /**
     * The plan in the body of a final merge: becomes the batch's plan if there is none.
     *
     * @return what this final merge goes by: its own list, or the plan of a producer
     * @throws FailureException {@code INPUT batch-id-reused} if the plan that is there names something else; {@code INPUT
     *     all-chunks-failed} if there is none, and this one holds only what failed or is empty
     */
    public Plan createOrMeet(Plan plan) {
        return firstOf(plan).metBy(plan);
    }

    private Plan firstOf(Plan plan) {
        String key = BatchKeys.plan(plan.batch());
        byte[] now = store.settle(key, there -> {
            if (there.isPresent()) {
                return Optional.empty();
            }
            plan.requireHope();
            return Optional.of(Json.write(plan));
        });
        return parsed(key, now);
    }

    private static Plan parsed(String key, byte[] json) {
        Plan plan = Json.read(json, Plan.class, key);
        if (plan.format() != Plan.FORMAT) {
            throw new FailureException(
                    Blame.INVARIANT,
                    "plan-format-unknown",
                    "read " + key + ": format " + plan.format() + ", this build knows " + Plan.FORMAT);
        }
        return plan;
    }
}
