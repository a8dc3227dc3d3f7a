package dev.chromacompactor.queue;

import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Consumers on a simulated SQS, all on one thread and on one clock: hours pass in no time. */
final class Simulation {
    static final int MAX_RECEIVES = 50;
    private static final Duration VISIBILITY = Duration.ofMinutes(5);

    final ManualTimer time = new ManualTimer();
    final Instant begin = time.instant();
    final SimulatedSqs sqs = new SimulatedSqs(time, MAX_RECEIVES);
    final SqsQueue work = sqs.queue("work");
    final SqsQueue dead = sqs.queue("work-dlq");
    final MarksInMemory marks = new MarksInMemory();

    /** A worker; each has a memory of its own. */
    Consumer worker(int maxAttempts, MessageHandler handler) {
        return new Consumer(
                work,
                dead,
                handler,
                marks,
                Gate.OPEN,
                Metrics.none(),
                new Consumer.Settings(1, VISIBILITY, maxAttempts, "build-7"),
                time,
                time,
                new SameThread(),
                Duration.ZERO);
    }

    void send(String body) {
        work.send(body, Map.of());
    }

    /** Lets the worker poll until then. */
    void run(Consumer worker, BooleanSupplier until) {
        try {
            for (int polls = 0; !until.getAsBoolean(); polls++) {
                if (polls > 1_000_000) {
                    throw new AssertionError("nothing comes to an end");
                }
                time.advance(worker.round());
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    Duration elapsed() {
        return Duration.between(begin, time.instant());
    }

    boolean empty() {
        return sqs.messages("work") == 0;
    }

    /** Takes out every letter. */
    List<FailureReport> letters() {
        var reports = new ArrayList<FailureReport>();
        for (var some = dead.receive(10, Duration.ZERO, VISIBILITY);
                !some.isEmpty();
                some = dead.receive(10, Duration.ZERO, VISIBILITY)) {
            some.stream().map(Letter::of).map(Letter::report).forEach(reports::add);
        }
        return reports;
    }
}
