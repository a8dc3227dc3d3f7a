package dev.chromacompactor.control;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import java.time.Duration;
import java.time.Instant;

/** Nothing is to be published now. Nobody's fault: the job is put off. */
public final class PausedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final Duration SHORTEST = Duration.ofMinutes(1);
    /** Each time it comes again costs a receive, and SQS dead-letters by receives; twelve hours are its limit. */
    private static final Duration LONGEST = Duration.ofHours(6);

    private static final int MOST_DOUBLINGS = 10;

    private final transient Pause pause;
    private final transient String key;

    PausedException(Pause pause, String key) {
        super(key + ": " + pause.words());
        this.pause = pause;
        this.key = key;
    }

    public Failure failure() {
        return new Failure(Blame.DEPENDENCY, "publishing-paused", key + ": " + pause.words());
    }

    /**
     * When to come again: right after the end of the pause, if it has one; else in a minute, and then later and later, since
     * {@code resume} asks for the publish anew.
     *
     * @param receives of the message so far
     */
    public Duration delay(Instant now, int receives) {
        Duration wait = pause.until() == null
                ? SHORTEST.multipliedBy(1L << Math.clamp(receives - 1L, 0, MOST_DOUBLINGS))
                : Duration.between(now, pause.until()).plusSeconds(1);
        Duration bounded = wait.compareTo(LONGEST) < 0 ? wait : LONGEST;
        return bounded.isNegative() ? Duration.ZERO : bounded;
    }
}
