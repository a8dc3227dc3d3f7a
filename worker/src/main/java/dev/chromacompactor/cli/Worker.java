package dev.chromacompactor.cli;

import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.compaction.Recipe;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.job.Jobs;
import dev.chromacompactor.job.Tools;
import dev.chromacompactor.queue.Consumer;
import java.time.InstantSource;

/** Wires a consumer: the one place where message, job, compaction and store meet. */
final class Worker {
    private Worker() {}

    static Consumer consumer(Connection connection, Scratch scratch) {
        Config config = connection.config();
        var clock = InstantSource.system();
        var letters = connection.deadLetterQueue();
        var recipe = new Recipe(
                scratch.directory("jobs"), config.unlockPoll(), config.unlockWait(), Archives.Limits.DEFAULT);
        String results = config.resultsQueueUrl();
        var tools = new Tools(
                connection.stores(),
                config.requiredBucket(),
                connection.queue(),
                letters.letters(Compactor.version(), clock),
                results == null ? null : connection.queue(results),
                recipe,
                Compactor.version());
        return new Consumer(
                connection.queue(),
                letters,
                new Jobs(tools, clock),
                new Consumer.Settings(
                        config.concurrency(), config.visibility(), config.maxAttempts(), Compactor.version()),
                clock);
    }
}
