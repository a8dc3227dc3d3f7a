package dev.chromacompactor.failure;

import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A failure on its way up to the one place that turns it into an outcome. */
public final class FailureException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Failure failure;
    private final transient @Nullable Instant until;

    public FailureException(Blame blame, String reason, String message) {
        this(blame, reason, message, null);
    }

    public FailureException(Blame blame, String reason, String message, @Nullable Throwable cause) {
        this(new Failure(blame, reason, message), null, cause);
    }

    private FailureException(Failure failure, @Nullable Instant until, @Nullable Throwable cause) {
        super(failure.message(), cause);
        this.failure = failure;
        this.until = until;
    }

    /** A doubtful input that has until then to become whole: before, failing in the same way again proves nothing. */
    public static FailureException notWholeUntil(Instant until, Failure failure, @Nullable Throwable cause) {
        return new FailureException(failure, until, cause);
    }

    /** A fault of the input that no retry will mend. */
    public static FailureException input(String reason, String message) {
        return new FailureException(Blame.INPUT, reason, message);
    }

    /**
     * A local file that could not be read or written: {@code NODE}, {@code disk-full} or {@code disk-failed}.
     *
     * @param doing what was being done, with which file
     */
    public static FailureException disk(String doing, IOException e) {
        var why = String.valueOf(e.getMessage());
        boolean full = why.contains("No space left") || why.contains("quota");
        return new FailureException(Blame.NODE, full ? "disk-full" : "disk-failed", doing + ": " + e, e);
    }

    public Failure failure() {
        return failure;
    }

    /** Until when it may pass by waiting alone; null: nobody knows. */
    public @Nullable Instant until() {
        return until;
    }
}
