package dev.chromacompactor.job;

import dev.chromacompactor.compaction.Repeat;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Keys;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats a step of several calls inside a job: three attempts, exponential and randomised pauses.
 *
 * <p>One owner per layer: single calls are repeated by the AWS SDK, whole jobs by the queue. So only what
 * a whole step can lose is repeated here: a {@link Blame#DEPENDENCY} that outlived the SDK's own attempts.
 */
public final class Retries implements Repeat {
    private static final Logger log = LoggerFactory.getLogger(Retries.class);
    private static final int ATTEMPTS = 3;
    private static final double GROWTH = 3;
    private static final double SPREAD = 0.5;

    private final Duration firstPause;

    private Retries(Duration firstPause) {
        this.firstPause = firstPause;
    }

    /** Repeats after {@link Blame#DEPENDENCY}; pauses of about 0.3 and 0.9 s. */
    public static Retries ofDependency() {
        return ofDependency(Duration.ofMillis(300));
    }

    public static Retries ofDependency(Duration firstPause) {
        return new Retries(firstPause);
    }

    /**
     * Runs the step until it succeeds, at most three times; then its last failure comes out. An interrupt during a pause
     * ends it with the failure before, and leaves the interrupt set.
     *
     * @param what for the log: what is being done, with which id
     */
    @Override
    public <T> T call(String what, Supplier<T> step) {
        var retry = Retry.of(
                what,
                RetryConfig.custom()
                        .maxAttempts(ATTEMPTS)
                        .intervalFunction(IntervalFunction.ofExponentialRandomBackoff(firstPause, GROWTH, SPREAD))
                        .retryOnException(this::worthwhile)
                        .build());
        retry.getEventPublisher()
                .onRetry(event -> log.atWarn()
                        .addKeyValue(Keys.DELAY_MILLIS, event.getWaitInterval().toMillis())
                        .addArgument(what)
                        .addKeyValue(Keys.MESSAGE, String.valueOf(event.getLastThrowable()))
                        .log("{} is tried again"));
        return retry.executeSupplier(step);
    }

    public void run(String what, Runnable step) {
        var _ = call(what, () -> {
            step.run();
            return true;
        });
    }

    private boolean worthwhile(Throwable thrown) {
        return thrown instanceof FailureException failed && failed.failure().blame() == Blame.DEPENDENCY;
    }
}
