package dev.chromacompactor.snapshot;

import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.PutOutcome;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;

/** A bucket whose clock stands still until it is moved and whose conditional writes end as a test wants. */
public final class UnsureBucket extends Interposed {
    /** What becomes of a conditional write. */
    public enum Fate {
        ANSWERED,
        APPLIED_BUT_UNKNOWN,
        NOT_APPLIED_AND_UNKNOWN,
        APPLIED_LATER
    }

    private final Deque<Supplier<PutOutcome>> late = new ArrayDeque<>();
    private final Clock clock;
    private Function<String, Fate> fates = _ -> Fate.ANSWERED;

    private static final class Clock {
        private volatile Instant now = Instant.parse("2026-11-24T08:00:00Z");
    }

    public UnsureBucket() {
        this(new Clock());
    }

    private UnsureBucket(Clock clock) {
        super(memory(clock));
        this.clock = clock;
    }

    @SuppressWarnings("ThreadPriorityCheck")
    private static MemoryObjectStore memory(Clock clock) {
        var memory = new MemoryObjectStore("memory", () -> clock.now);
        // Virtual threads change places nowhere else here, and a race wants it between any two calls, now and then.
        memory.onCall(_ -> {
            if (ThreadLocalRandom.current().nextInt(16) == 0) {
                Thread.yield();
            }
        });
        return memory;
    }

    public void setNow(Instant instant) {
        clock.now = instant;
    }

    /** The fate of every conditional write from here on, by key. */
    public synchronized void fates(Function<String, Fate> next) {
        fates = next;
    }

    /** The fate of the next conditional write of {@code key} only. */
    public synchronized void next(String key, Fate fate) {
        fates = written -> {
            if (!written.equals(key)) {
                return Fate.ANSWERED;
            }
            fates = _ -> Fate.ANSWERED;
            return fate;
        };
    }

    /** Delivers the oldest write that is still under way; true if there was one and its condition held. */
    public synchronized boolean deliverLate() {
        return !late.isEmpty() && late.remove().get() instanceof PutOutcome.Won;
    }

    @Override
    public PutOutcome putIfAbsent(String key, byte[] body) {
        return decide(key, () -> super.putIfAbsent(key, body));
    }

    @Override
    public PutOutcome putIfAbsent(String key, Path file) {
        return decide(key, () -> super.putIfAbsent(key, file));
    }

    @Override
    public PutOutcome putIfMatch(String key, byte[] body, String etag) {
        return decide(key, () -> super.putIfMatch(key, body, etag));
    }

    private PutOutcome decide(String key, Supplier<PutOutcome> write) {
        Fate fate;
        synchronized (this) {
            fate = fates.apply(key);
            if (fate == Fate.APPLIED_LATER) {
                late.add(write);
            }
        }
        return switch (fate) {
            case ANSWERED -> write.get();
            case APPLIED_BUT_UNKNOWN -> new PutOutcome.Unknown("no answer to " + write.get());
            case NOT_APPLIED_AND_UNKNOWN -> new PutOutcome.Unknown("500");
            case APPLIED_LATER -> new PutOutcome.Unknown("timeout, still under way");
        };
    }
}
