package dev.chromacompactor.cli;

import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.compaction.Budget;
import dev.chromacompactor.compaction.Recipe;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.job.Jobs;
import dev.chromacompactor.job.MarksInBucket;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Tools;
import dev.chromacompactor.queue.Consumer;
import dev.chromacompactor.snapshot.Keep;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.upkeep.Upkeep;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Random;
import java.util.function.UnaryOperator;

/** Wires a consumer: the one place where message, job, compaction and store meet. */
final class Worker {
    private Worker() {}

    /** For a command that consumes for a moment: nobody watches, and it stops within a second or two. */
    static Consumer consumer(Connection connection, Scratch scratch) {
        return consumer(
                connection,
                scratch,
                Metrics.none(),
                settings(connection.config(), Compactor.version()).polling(Duration.ofSeconds(1)),
                connection.store(),
                handler -> handler);
    }

    /** @param build what letters, receipts and manifests name as the build */
    static Consumer.Settings settings(Config config, String build) {
        return new Consumer.Settings(config.concurrency(), config.visibility(), config.maxAttempts(), build);
    }

    /**
     * @param beside the configured bucket, for what is asked of it while no job runs too
     * @param watched the handler, seen by whoever watches
     */
    static Consumer consumer(
            Connection connection,
            Scratch scratch,
            Metrics metrics,
            Consumer.Settings settings,
            ObjectStore beside,
            UnaryOperator<MessageHandler> watched) {
        Config config = connection.config();
        var clock = InstantSource.system();
        var letters = connection.deadLetterQueue();
        Integer scratchMib = config.scratchMib();
        var budget = Budget.ofMachine(
                config.scratchDir(), scratch.directory("jobs"), scratchMib == null ? null : (long) scratchMib << 20);
        metrics.waitingForRoom(budget::waiting);
        var recipe = new Recipe(budget, config.unlockPoll(), config.unlockWait(), Archives.Limits.DEFAULT, metrics);
        String results = config.resultsQueueUrl();
        var tools = new Tools(
                connection.stores(),
                config.requiredBucket(),
                connection.queue(),
                letters.letters(settings.build(), clock),
                results == null ? null : connection.queue(results),
                recipe,
                settings.build(),
                metrics);
        return new Consumer(
                connection.queue(),
                letters,
                watched.apply(new Jobs(tools, clock, config.gather())),
                new MarksInBucket(connection.store()),
                new PauseGate(new Pauses(beside, clock), clock),
                metrics,
                settings,
                clock);
    }

    /** What the consumer's worker does while it has no messages. */
    static Upkeep upkeep(Connection connection, ObjectStore beside, Consumer consumer, Metrics metrics) {
        Config config = connection.config();
        return new Upkeep(
                beside,
                connection.queue(),
                new Upkeep.Settings(
                        config.sweepEvery(), config.sweepAfter(), new Keep(config.keepVersions(), config.keepFor())),
                consumer::idle,
                metrics,
                InstantSource.system(),
                new Random());
    }
}
