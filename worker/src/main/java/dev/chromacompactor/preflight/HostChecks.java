package dev.chromacompactor.preflight;

import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Answer.None;
import java.time.Duration;
import java.util.List;

/** Whether this machine has room and time enough. Pure. */
final class HostChecks {
    /** Too little for any work but the smallest. */
    static final long LEAST_BYTES = 256L << 20;
    /** Where a snapshot of a gigabyte is merged, twice of it is needed beside the inputs. */
    static final long SCANT_BYTES = 4L << 30;
    /** Fargate's longest stop timeout. */
    static final Duration FARGATE_STOP = Duration.ofMinutes(2);
    /** For interrupted jobs to end and their messages to be handed back, after the drain timeout. */
    static final Duration GRACE = Duration.ofSeconds(10);

    private HostChecks() {}

    static List<Finding> of(HostFacts facts) {
        return List.of(scratch(facts), drain(facts));
    }

    private static Finding scratch(HostFacts facts) {
        return switch (facts.free()) {
            case None<Long> none ->
                Finding.problem(
                        "scratch",
                        none.why().reason(),
                        none.why().message(),
                        "let the process write there, or name another COMPACTOR_SCRATCH_DIR");
            case Given<Long>(Long free) -> {
                String says = facts.scratch() + " has %,d MiB free".formatted(free >> 20);
                String remedy = "give it more room: a final merge needs twice the snapshot and its inputs";
                if (free < LEAST_BYTES) {
                    yield Finding.problem("scratch", "scratch-too-small", says, remedy);
                }
                yield free < SCANT_BYTES
                        ? Finding.warning("scratch", "scratch-too-small", says, remedy)
                        : Finding.ok("scratch", says);
            }
        };
    }

    private static Finding drain(HostFacts facts) {
        Duration needed = facts.drain().plus(GRACE);
        return facts.fargate() && needed.compareTo(FARGATE_STOP) > 0
                ? Finding.problem(
                        "drain",
                        "drain-too-long",
                        "a drain of " + facts.drain() + " and " + GRACE + " to hand back the rest are longer than the "
                                + FARGATE_STOP + " after which Fargate kills a task",
                        "lower COMPACTOR_DRAIN_TIMEOUT, and set the task's stopTimeout above it")
                : Finding.ok(
                        "drain",
                        "running jobs get " + facts.drain() + " after SIGTERM; the stop timeout must be " + needed
                                + " or more");
    }
}
