package dev.chromacompactor.preflight;

import dev.chromacompactor.failure.Failure;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of one check.
 *
 * @param subject what was looked at, in a word or two
 * @param reason stable kebab-case name; null if all is well
 * @param says what was found, in a sentence
 * @param remedy what to do about it; null if there is nothing to do
 */
public record Finding(
        Level level,
        String subject,
        @Nullable String reason,
        String says,
        @Nullable String remedy) {
    public enum Level {
        OK,
        /** Said, and the worker starts. */
        WARNING,
        /** Could not be found out, as somebody does not answer: asked again later. */
        UNANSWERED,
        /** A worker refuses to start. */
        PROBLEM
    }

    static Finding ok(String subject, String says) {
        return new Finding(Level.OK, subject, null, says, null);
    }

    static Finding warning(String subject, String reason, String says, String remedy) {
        return new Finding(Level.WARNING, subject, reason, says, remedy);
    }

    static Finding problem(String subject, String reason, String says, String remedy) {
        return new Finding(Level.PROBLEM, subject, reason, says, remedy);
    }

    /** A question without an answer: nobody there, or a setting that is wrong. */
    static Finding without(String subject, Answer.None<?> none) {
        Failure why = none.why();
        return none.isDown()
                ? new Finding(
                        Level.UNANSWERED,
                        subject,
                        why.reason(),
                        why.message(),
                        "nothing here may be wrong; it is asked again")
                : problem(subject, why.reason(), why.message(), remedy(why.reason()));
    }

    private static String remedy(String reason) {
        return switch (reason) {
            case "s3-access-denied", "sqs-access-denied" -> "allow the worker's role what it was doing here";
            case "credentials-missing" -> "give the process credentials: a role, a profile, or AWS_ACCESS_KEY_ID";
            case "s3-bucket-missing" -> "make the bucket, or correct COMPACTOR_BUCKET";
            case "queue-missing" -> "make the queue, or correct its URL";
            case "s3-wrong-region" -> "set AWS_REGION to the bucket's region";
            default -> "see what it says, and the reason in docs/operations.md";
        };
    }
}
