package dev.chromacompactor.preflight;

import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/** What a question brought: a value, or why there is none. */
sealed interface Answer<T> {
    record Given<T>(T value) implements Answer<T> {}

    record None<T>(Failure why) implements Answer<T> {
        /**
         * Whether somebody was not there, or busy, rather than set up wrongly: asking again may help. What is not listed here is
         * a wrong setting: waiting would only hide it.
         */
        boolean isDown() {
            return DOWN.contains(why.reason());
        }

        /** The same for another question that was not asked for this reason. */
        <U> Answer<U> instead() {
            return new None<>(why);
        }
    }

    Set<String> DOWN = Set.of(
            "s3-unreachable",
            "s3-throttled",
            "s3-server-error",
            "s3-write-unconfirmed",
            "s3-no-date",
            "s3-read-broken",
            "download-corrupt",
            "sqs-throttled",
            "sqs-unavailable",
            "interrupted");

    static <T> Answer<T> of(Supplier<T> question) {
        try {
            return new Given<>(question.get());
        } catch (FailureException e) {
            return new None<>(e.failure());
        }
    }

    default <U> Answer<U> map(Function<T, U> function) {
        return switch (this) {
            case Given<T>(T value) -> new Given<>(function.apply(value));
            case None<T> none -> none.instead();
        };
    }
}
