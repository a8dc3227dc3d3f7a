package dev.chromacompactor.failure;

/**
 * One failure as log, dead letter and receipt show it.
 *
 * @param blame whose fault
 * @param reason stable kebab-case name, such as {@code sqlite-corrupt}
 * @param message what was being done, with which id, and the offending field, file or id
 */
public record Failure(Blame blame, String reason, String message) {
    public Failure {
        if (!reason.matches("[a-z0-9]+(-[a-z0-9]+)*")) {
            throw new IllegalArgumentException("reason is not kebab-case: " + reason);
        }
    }

    /** Whether no retry will help, so that whoever waits for a result must be told that there is none. */
    public boolean isFinal() {
        return blame == Blame.INPUT || blame == Blame.INVARIANT;
    }
}
