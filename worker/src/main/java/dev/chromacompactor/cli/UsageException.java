package dev.chromacompactor.cli;

/** The command was called wrongly: exit code 2, one line. */
final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
        super(message);
    }
}
