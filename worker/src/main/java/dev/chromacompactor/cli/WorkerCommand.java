package dev.chromacompactor.cli;

import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.queue.Consumer;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.upkeep.Upkeep;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;

@Command(
        name = "worker",
        description = {
            "Consumes the queue until SIGTERM: folds chunks, merges groups, publishes snapshots.",
            "Reads COMPACTOR_QUEUE_URL, COMPACTOR_DLQ_URL, COMPACTOR_BUCKET and the usual AWS variables.",
            "Before the first poll it checks queue, bucket and machine, as compactor doctor does, and refuses what is wrong."
        },
        footer = {
            "",
            "Examples:",
            "  COMPACTOR_QUEUE_URL=… COMPACTOR_DLQ_URL=… COMPACTOR_BUCKET=my-bucket compactor worker",
            "  COMPACTOR_CONCURRENCY=4 COMPACTOR_SCRATCH_DIR=/scratch compactor worker"
        })
final class WorkerCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerCommand.class);

    /** A poll under way is heard for so long, however short the drain is. */
    private static final Duration LEAST_DRAIN = Duration.ofSeconds(20);
    /** After the drain, to hand back the rest and to remove what lies on the disk. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    @Override
    public Integer call() throws InterruptedException {
        var asked = new CountDownLatch(1);
        var cleaned = new CountDownLatch(1);
        Config config = Config.from(System.getenv(), Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET);
        try (Instruments instruments = new Instruments(config);
                Connection connection = Connection.open(config, instruments.metrics())) {
            // The JVM ends when its hooks have ended: this one waits until everything is handed back and removed, but
            // not for ever, as a start-up check may hang on somebody who does not answer.
            Runtime.getRuntime()
                    .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> {
                        asked.countDown();
                        awaitQuietly(cleaned, longestStop(config.drainTimeout()));
                    }));
            if (StartUp.passed(connection, asked)) {
                consume(connection, instruments, asked);
            }
        } finally {
            cleaned.countDown();
        }
        return 0;
    }

    private static void consume(Connection connection, Instruments instruments, CountDownLatch asked)
            throws InterruptedException {
        Config config = connection.config();
        try (Scratch scratch = Scratch.below(
                config.scratchDir(), "worker-" + ProcessHandle.current().pid())) {
            Consumer consumer = Worker.consumer(
                    connection,
                    scratch,
                    instruments.metrics(),
                    Worker.settings(config, instruments.build()),
                    instruments.beside(connection),
                    instruments::watch);
            consumer.start();
            instruments.running(consumer, connection, scratch);
            Upkeep upkeep = Worker.upkeep(connection, instruments.beside(connection), consumer, instruments.metrics());
            upkeep.start();
            LOG.atInfo()
                    .addKeyValue("queue", config.queueUrl())
                    .addKeyValue("bucket", config.bucket())
                    .addKeyValue("concurrency", config.concurrency())
                    .log("worker started");
            asked.await();
            instruments.draining();
            upkeep.close();
            LOG.atInfo().log(
                    "worker stops: jobs get the drain timeout, the poll under way is heard to its end, up to 20 s");
            stop(consumer, config.drainTimeout());
        }
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

    private static Duration longestStop(Duration drainTimeout) {
        return (drainTimeout.compareTo(LEAST_DRAIN) < 0 ? LEAST_DRAIN : drainTimeout).plus(GRACE);
    }

    private static void awaitQuietly(CountDownLatch latch, Duration patience) {
        try {
            var _ = latch.await(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
