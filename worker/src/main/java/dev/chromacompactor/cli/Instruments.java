package dev.chromacompactor.cli;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.chromacompactor.batch.Waiting;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.ecs.Protection;
import dev.chromacompactor.ecs.TaskIdentity;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.health.Health;
import dev.chromacompactor.health.HealthServer;
import dev.chromacompactor.health.Progress;
import dev.chromacompactor.health.Signs;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.queue.Consumer;
import dev.chromacompactor.queue.SqsQueue;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.telemetry.Exports;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.LogProcess;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.telemetry.Traffic;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything by which a worker is watched: metrics, health, the task's identity and protection. */
final class Instruments implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Instruments.class);
    private static final Duration SCAN_EVERY = Duration.ofMinutes(4);
    private static final Duration SCAN_SPREAD = Duration.ofMinutes(2);

    private final Exports exports;
    private final Metrics metrics;
    private final Progress progress;
    private final Health health;
    private final @Nullable HealthServer server;
    private final @Nullable Protection protection;
    private final Map<String, String> identity;
    private final Thread scan = Thread.ofVirtual().name("backlog").unstarted(this::measureNowAndThen);
    private final CountDownLatch closed = new CountDownLatch(1);
    /** Requests to S3 that no job makes: they are no sign that one gets on. */
    private final Traffic beside = new Traffic();

    private volatile @Nullable Scan measured;

    /** Answers on the health port, if there is one, from here on. */
    Instruments(Config config) {
        var clock = InstantSource.system();
        identity = TaskIdentity.read(System.getenv());
        LogProcess.is(identity);
        exports = new Exports(config.exports(), resource(), System.out);
        metrics = new Metrics(exports.registry(), clock);
        progress = new Progress(clock, () -> metrics.s3().requests() - beside.requests());
        health = new Health(clock, progress);
        Integer port = config.healthPort();
        server = port == null ? null : new HealthServer(port, health, exports::prometheus);
        metrics.healthy(() -> health.live().well());
        metrics.filesOpen(Instruments::descriptors);
        protection = Protection.of(System.getenv(), config.visibility(), clock, metrics)
                .orElse(null);
        if (protection != null) {
            protection.start();
        }
    }

    /** As OpenTelemetry calls them. */
    private Map<String, String> resource() {
        var resource = new HashMap<>(Map.of("service.version", Compactor.version()));
        Map.of(
                        Keys.TASK, "aws.ecs.task.arn",
                        Keys.CLUSTER, "aws.ecs.cluster.arn",
                        Keys.ZONE, "cloud.availability_zone",
                        Keys.IMAGE, "container.image.id")
                .forEach((key, name) -> {
                    if (identity.containsKey(key)) {
                        resource.put(name, identity.get(key));
                    }
                });
        return resource;
    }

    /** What letters, receipts and manifests name as the build: with the task and the image, where there are any. */
    String build() {
        var build = new StringBuilder(Compactor.version());
        if (identity.containsKey(Keys.IMAGE)) {
            build.append(", image ").append(identity.get(Keys.IMAGE));
        }
        if (identity.containsKey(Keys.TASK)) {
            build.append(", task ").append(identity.get(Keys.TASK));
        }
        return build.toString();
    }

    Metrics metrics() {
        return metrics;
    }

    /** The configured bucket, for whoever asks it of his own accord and not for a job. */
    ObjectStore beside(Connection connection) {
        return connection.stores().counting(beside).bucket(connection.config().requiredBucket());
    }

    /** The same handler, seen by whoever watches. */
    MessageHandler watch(MessageHandler handler) {
        return new MessageHandler() {
            @Override
            public Outcome handle(Delivery delivery) {
                try (var _ = progress.begin(delivery.messageId());
                        var _ = protection == null ? null : protection.job()) {
                    return handler.handle(delivery);
                }
            }

            @Override
            public void givenUp(Delivery delivery, Failure failure) {
                handler.givenUp(delivery, failure);
            }
        };
    }

    /** The consumer polls. */
    void running(Consumer consumer, Connection connection, Scratch scratch) {
        int slots = connection.config().concurrency();
        metrics.paused(() -> consumer.health().closedFor() != null);
        metrics.scratch(scratch::size);
        health.running(signs(consumer, slots));
        measured = new Scan(new Waiting(beside(connection)), connection.queue(), connection.deadLetterQueue());
        scan.start();
    }

    private record Scan(Waiting waiting, SqsQueue queue, SqsQueue letters) {}

    private void measureNowAndThen() {
        try {
            do {
                measure(Objects.requireNonNull(measured));
            } while (!closed.await(pause().toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            // Only close() interrupts.
        }
    }

    /** Spread over the workers; all of them measure the same. */
    private static Duration pause() {
        return SCAN_EVERY.plusMillis(RandomGenerator.getDefault().nextLong(SCAN_SPREAD.toMillis()));
    }

    /** What one worker cannot know of itself. */
    private void measure(Scan scan) {
        try {
            var depth = scan.queue().depth();
            metrics.queues(
                    depth.visible(),
                    depth.inFlight(),
                    depth.delayed(),
                    scan.letters().depth().visible());
            metrics.backlog(scan.waiting().look());
        } catch (FailureException e) {
            LOG.atWarn()
                    .addKeyValue(Keys.REASON, e.failure().reason())
                    .addKeyValue(Keys.MESSAGE, e.failure().message())
                    .log("backlog not measured, tried again later");
        } catch (RuntimeException e) {
            // Whatever it is: figures that stand still unseen are worse.
            LOG.atError().setCause(e).log("backlog not measured in a way that nobody foresaw, tried again later");
        }
    }

    private static long descriptors() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? unix.getOpenFileDescriptorCount()
                : -1;
    }

    void draining() {
        health.draining();
    }

    @Override
    public void close() {
        closed.countDown();
        scan.interrupt();
        if (protection != null) {
            protection.close();
        }
        if (server != null) {
            server.close();
        }
        exports.close();
    }

    private static Signs signs(Consumer consumer, int slots) {
        return new Signs() {
            @Override
            public boolean pollerAlive() {
                return consumer.health().pollerAlive();
            }

            @Override
            public Instant lastTurn() {
                return consumer.health().lastTurn();
            }

            @Override
            public Instant lastPoll() {
                return consumer.health().lastPoll();
            }

            @Override
            public Instant lastProgress() {
                return consumer.health().lastProgress();
            }

            @Override
            public Optional<String> resting() {
                var now = consumer.health();
                if (now.closedFor() != null) {
                    return Optional.of(now.closedFor());
                }
                return now.breakerOpen()
                        ? Optional.of("job after job failed for a reason that is not the message's, polls are rare")
                        : Optional.empty();
            }

            @Override
            public int busy() {
                return consumer.running();
            }

            @Override
            public int slots() {
                return slots;
            }

            @Override
            public int handedBackInARow() {
                return consumer.health().handedBackInARow();
            }
        };
    }
}
