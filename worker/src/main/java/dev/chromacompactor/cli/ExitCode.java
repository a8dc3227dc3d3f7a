package dev.chromacompactor.cli;

import dev.chromacompactor.failure.Blame;

/** Exit codes, the same for every command. */
final class ExitCode {
    static final int FAILED = 1;
    static final int USAGE = 2;
    static final int FOUND_SOMETHING = 3;
    static final int TRY_AGAIN = 75;
    static final int CONFIGURATION = 78;

    private ExitCode() {}

    static int of(Blame blame) {
        return switch (blame) {
            case INPUT, DOUBTFUL, INVARIANT -> FAILED;
            case DEPENDENCY, NODE, CONFLICT -> TRY_AGAIN;
        };
    }
}
