package dev.chromacompactor.queue;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A clock that stands still until told, and runs what falls due on the way. */
final class ManualTimer implements Timer, InstantSource {
    private record Due(Instant at, Runnable task) {}

    private final List<Due> waiting = new ArrayList<>();
    private Instant now = Instant.parse("2026-11-24T00:00:00Z");

    @Override
    public Instant instant() {
        return now;
    }

    @Override
    public Runnable after(Duration delay, Runnable task) {
        var due = new Due(now.plus(delay), task);
        waiting.add(due);
        return () -> waiting.remove(due);
    }

    int waiting() {
        return waiting.size();
    }

    /** Time passes without anything running: a machine that was asleep. */
    void sleepThrough(Duration length) {
        now = now.plus(length);
    }

    void advance(Duration length) {
        var end = now.plus(length);
        while (true) {
            var next = waiting.stream().filter(due -> !due.at().isAfter(end)).min(Comparator.comparing(Due::at));
            if (next.isEmpty()) {
                now = end;
                return;
            }
            waiting.remove(next.get());
            if (next.get().at().isAfter(now)) {
                now = next.get().at();
            }
            next.get().task().run();
        }
    }
}
