package dev.chromacompactor.failure;

/** What went wrong on another thread. */
public final class Elsewhere {
    private Elsewhere() {}

    /**
     * What was thrown there, to be thrown on this thread; an {@code Error} is thrown here.
     *
     * @param wrapper what its future threw: {@code ExecutionException} or {@code CompletionException}
     */
    public static RuntimeException thrown(Exception wrapper) {
        return switch (wrapper.getCause()) {
            case Error error -> throw error;
            case RuntimeException failure -> failure;
            case null, default -> new IllegalStateException(wrapper);
        };
    }
}
