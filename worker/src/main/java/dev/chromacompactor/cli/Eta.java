package dev.chromacompactor.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How long it will take, if it goes on as it did since somebody began to look. */
final class Eta {
    private @Nullable Instant began;
    private int first;
    private int done;

    void saw(Instant now, int settled) {
        if (began == null) {
            began = now;
            first = settled;
        }
        done = settled;
    }

    /** Empty until one more is done than at the beginning: there is no rate yet. */
    Optional<Duration> left(Instant now, int of) {
        if (began == null || done <= first) {
            return Optional.empty();
        }
        double each = Duration.between(began, now).toMillis() / (double) (done - first);
        return Optional.of(Duration.ofMillis(Math.round(each * (of - done))));
    }

    /** In the unit that a person would use. */
    static String words(Duration left) {
        long seconds = Math.max(1, left.toSeconds());
        if (seconds < 60) {
            return seconds + " s";
        }
        long minutes = Math.round(seconds / 60.0);
        return minutes < 60 ? minutes + " min" : minutes / 60 + " h " + minutes % 60 + " min";
    }
}
