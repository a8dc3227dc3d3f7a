package dev.chromacompactor.failure;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A failure on its way up to the one place that turns it into an outcome. */
public final class FailureException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Failure failure;

    public FailureException(Blame blame, String reason, String message) {
        this(blame, reason, message, null);
    }

    public FailureException(Blame blame, String reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.failure = new Failure(blame, reason, message);
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
}
