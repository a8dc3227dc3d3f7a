package dev.chromacompactor.cli;

import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.queue.Gate;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a worker from polling while everything is paused.
 *
 * <p>It answers at once, from what was read last; that is read again beside it when it is {@link #FRESH} old. What is {@link
 * #STALE} old is not believed any more: whoever cannot read whether there is a pause does not poll, as none of his jobs could
 * do anything either.
 */
final class PauseGate implements Gate {
    static final Duration FRESH = Duration.ofSeconds(5);
    static final Duration STALE = Duration.ofSeconds(30);

    private static final Logger LOG = LoggerFactory.getLogger(PauseGate.class);
    private static final Duration SOON = Duration.ofMillis(500);

    private final Pauses pauses;
    private final InstantSource clock;
    private final Executor beside;
    private final AtomicBoolean asking = new AtomicBoolean();
    private volatile @Nullable Known known;
    private volatile String trouble = "was not read yet";

    private record Known(Optional<Pause> pause, Instant at) {}

    PauseGate(Pauses pauses, InstantSource clock) {
        this(pauses, clock, task -> Thread.ofVirtual().name("pause").start(task));
    }

    /** @param beside runs a read */
    PauseGate(Pauses pauses, InstantSource clock, Executor beside) {
        this.pauses = pauses;
        this.clock = clock;
        this.beside = beside;
    }

    @Override
    public Optional<Closed> closed() {
        if (!within(FRESH) && asking.compareAndSet(false, true)) {
            beside.execute(this::read);
        }
        Known last = known;
        if (last == null || !within(STALE)) {
            return Optional.of(new Closed(SOON, "whether polling is paused is not known: " + trouble));
        }
        return last.pause()
                .filter(pause -> pause.holds(clock.instant()))
                .map(pause -> new Closed(FRESH, "paused: " + pause.words()));
    }

    private boolean within(Duration age) {
        Known last = known;
        return last != null && clock.instant().isBefore(last.at().plus(age));
    }

    private void read() {
        try {
            // Before the answer: it is no younger than that.
            Instant asked = clock.instant();
            var now = new Known(pauses.read(null), asked);
            tell(known, now, asked);
            known = now;
        } catch (FailureException e) {
            trouble = e.failure().message();
        } finally {
            asking.set(false);
        }
    }

    private static void tell(@Nullable Known before, Known now, Instant at) {
        boolean was = before != null && holds(before, at);
        boolean is = holds(now, at);
        if (is && !was) {
            LOG.atInfo()
                    .addKeyValue(Keys.MESSAGE, now.pause().map(Pause::words).orElse(""))
                    .log("paused: no polling");
        } else if (was && !is) {
            LOG.atInfo().log("resumed: polling again");
        }
    }

    private static boolean holds(Known known, Instant at) {
        return known.pause().filter(pause -> pause.holds(at)).isPresent();
    }
}
