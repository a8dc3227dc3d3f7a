package dev.chromacompactor.preflight;

import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Answer.None;
import dev.chromacompactor.queue.QueueProbe;
import dev.chromacompactor.queue.SqsQueue;
import dev.chromacompactor.store.LifecycleRule;
import dev.chromacompactor.store.ObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether queue, bucket and machine are such that the promises can be kept. It sends, receives and hides no message, and
 * touches no object but its own below {@code control/probe/}.
 *
 * <p>So it does not prove that messages may be received, which the first poll does, nor that they may be sent.
 */
public final class Preflight {
    private final SqsQueue work;
    private final SqsQueue letters;
    private final @Nullable SqsQueue results;
    private final ObjectStore store;
    private final Supplier<List<LifecycleRule>> lifecycle;
    private final InstantSource clock;

    /**
     * @param results null: none is configured
     * @param lifecycle reads the rules of the store's bucket
     */
    public Preflight(
            SqsQueue work,
            SqsQueue letters,
            @Nullable SqsQueue results,
            ObjectStore store,
            Supplier<List<LifecycleRule>> lifecycle,
            InstantSource clock) {
        this.work = work;
        this.letters = letters;
        this.results = results;
        this.store = store;
        this.lifecycle = lifecycle;
        this.clock = clock;
    }

    /**
     * What the machine is to do.
     *
     * @param visibility that the worker asks for
     * @param fargate whether it runs as a task on Fargate
     */
    public record Host(Path scratch, Duration visibility, Duration drain, boolean fargate) {}

    /**
     * Asks everything once and judges it. Takes a second or so; where nobody answers, as long as the clients try.
     *
     * @param rounds of the race of conditional writes: 16 small writes each
     */
    public Report look(Host host, int rounds) {
        var from = facts(work);
        var to = facts(letters);
        var bucket = new BucketProbe(store, lifecycle, clock, rounds).ask();
        var findings = new ArrayList<Finding>();
        findings.addAll(
                QueueChecks.of(from, to, results == null ? null : facts(results), may(from), host.visibility()));
        findings.addAll(BucketChecks.of(bucket));
        if (!(bucket.listing() instanceof None<Integer> none)
                || !bucket.lifecycle().equals(none.instead())) {
            findings.addAll(LifecycleChecks.of(bucket.lifecycle(), bucket.databases(), replay(from, to)));
        }
        findings.addAll(HostChecks.of(HostFacts.of(host.scratch(), host.drain(), host.fargate())));
        return new Report(findings);
    }

    private static Answer<QueueFacts> facts(SqsQueue queue) {
        return Answer.of(() -> QueueFacts.of(queue.url(), queue.attributes()));
    }

    private Answer<Boolean> may(Answer<QueueFacts> from) {
        return from instanceof None<QueueFacts> none ? none.instead() : Answer.of(() -> QueueProbe.mayDelete(work));
    }

    /** A message may wait in the queue, be dead-lettered at its end, and be replayed at the end of that. */
    private static @Nullable Duration replay(Answer<QueueFacts> from, Answer<QueueFacts> to) {
        return from instanceof Given<QueueFacts>(QueueFacts work)
                        && to instanceof Given<QueueFacts>(QueueFacts letters)
                        && work.retention() != null
                        && letters.retention() != null
                ? work.retention().plus(letters.retention())
                : null;
    }
}
