package dev.chromacompactor.cli;

import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.queue.Consumer;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;

@Command(
        name = "worker",
        description = {
            "Consumes the queue until SIGTERM: folds chunks, merges groups, publishes snapshots.",
            "Reads COMPACTOR_QUEUE_URL, COMPACTOR_DLQ_URL, COMPACTOR_BUCKET and the usual AWS variables."
        },
        footer = {
            "",
            "Examples:",
            "  COMPACTOR_QUEUE_URL=… COMPACTOR_DLQ_URL=… COMPACTOR_BUCKET=my-bucket compactor worker",
            "  COMPACTOR_CONCURRENCY=4 COMPACTOR_SCRATCH_DIR=/scratch compactor worker"
        })
final class WorkerCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerCommand.class);

    @Override
    public Integer call() throws InterruptedException {
        var asked = new CountDownLatch(1);
        var cleaned = new CountDownLatch(1);
        try (Connection connection = Connection.open(System.getenv(), Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET);
                Scratch scratch = Scratch.below(
                        connection.config().scratchDir(),
                        "worker-" + ProcessHandle.current().pid())) {
            // The JVM ends when its hooks have ended: this one waits until everything is handed back and removed.
            Runtime.getRuntime()
                    .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> {
                        asked.countDown();
                        awaitQuietly(cleaned);
                    }));
            Consumer consumer = Worker.consumer(connection, scratch);
            consumer.start();
            LOG.atInfo()
                    .addKeyValue("queue", connection.config().queueUrl())
                    .addKeyValue("bucket", connection.config().bucket())
                    .addKeyValue("concurrency", connection.config().concurrency())
                    .log("worker started");
            asked.await();
            stop(consumer, connection.config().drainTimeout());
        } finally {
            cleaned.countDown();
        }
        return 0;
    }

    private static void stop(Consumer consumer, Duration drainTimeout) throws InterruptedException {
        try {
            var drained = consumer.stop(drainTimeout);
            LOG.atInfo().addKeyValue("interrupted", drained.interrupted()).log("worker stopped");
        } catch (FailureException e) {
            LOG.atWarn()
                    .addKeyValue(Keys.MESSAGE, e.failure().message())
                    .log("not everything was handed back; it is visible again when its timeout ends");
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
