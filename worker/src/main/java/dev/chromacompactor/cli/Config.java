package dev.chromacompactor.cli;

import dev.chromacompactor.queue.SqsSettings;
import dev.chromacompactor.store.S3Settings;
import dev.chromacompactor.telemetry.Exports;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the environment says, checked as a whole; nothing is corrected silently. It holds no secret.
 *
 * @param queueUrl {@code COMPACTOR_QUEUE_URL}: the work queue
 * @param deadLetterQueueUrl {@code COMPACTOR_DLQ_URL}
 * @param bucket {@code COMPACTOR_BUCKET}
 * @param resultsQueueUrl {@code COMPACTOR_RESULTS_QUEUE_URL}: gets an event per published batch; null: none
 * @param concurrency {@code COMPACTOR_CONCURRENCY}: jobs at once; the number of cores
 * @param visibility {@code COMPACTOR_VISIBILITY}: how long a silent worker keeps a message; PT5M
 * @param maxAttempts {@code COMPACTOR_MAX_ATTEMPTS}: how often an input may fail; 5
 * @param scratchDir {@code COMPACTOR_SCRATCH_DIR}: for temporary files, shared with other workers; {@code compactor} in the
 *     system's temporary directory
 * @param scratchMib {@code COMPACTOR_SCRATCH_MIB}: disk that the jobs of this worker may take together; null: what there is
 * @param keepVersions {@code COMPACTOR_KEEP_VERSIONS}: snapshot versions that stay; 4
 * @param keepFor {@code COMPACTOR_KEEP_FOR}: how long a superseded version stays for those who still download it; P1D
 * @param sweepEvery {@code COMPACTOR_SWEEP_EVERY}: how often an idle worker looks after open batches, on average; PT5M
 * @param sweepAfter {@code COMPACTOR_SWEEP_AFTER}: how long an open batch may be quiet before its messages are sent again;
 *     PT1H
 * @param unlockPoll {@code COMPACTOR_UNLOCK_POLL}: how often to look whether files are closed; PT0.05S
 * @param unlockWait {@code COMPACTOR_UNLOCK_WAIT}: how long at most; PT2S
 * @param gather {@code COMPACTOR_GATHER}: how long the publish of a delta that was announced alone waits for others; PT10S
 * @param drainTimeout {@code COMPACTOR_DRAIN_TIMEOUT}: how long running jobs may go on after SIGTERM; PT100S
 * @param healthPort {@code COMPACTOR_HEALTH_PORT}; null: no port
 * @param exports where metrics go: {@code COMPACTOR_METRICS} ({@code emf}: lines for CloudWatch on standard output; none), the
 *     health port, {@code OTEL_EXPORTER_OTLP_ENDPOINT}; every {@code COMPACTOR_METRICS_INTERVAL}, PT1M
 * @param log {@code COMPACTOR_LOG}: {@code json} or {@code text}, what a worker's log lines are; json
 * @param s3 where S3 is: {@code AWS_REGION}, {@code AWS_ENDPOINT_URL_S3} or {@code AWS_ENDPOINT_URL},
 *     {@code COMPACTOR_S3_PATH_STYLE} (buckets in the path of URLs: for a loopback address always)
 * @param sqs where SQS is: {@code AWS_REGION}, {@code AWS_ENDPOINT_URL_SQS} or {@code AWS_ENDPOINT_URL}
 */
record Config(
        @Nullable String queueUrl,
        @Nullable String deadLetterQueueUrl,
        @Nullable String bucket,
        @Nullable String resultsQueueUrl,
        int concurrency,
        Duration visibility,
        int maxAttempts,
        Path scratchDir,
        @Nullable Integer scratchMib,
        int keepVersions,
        Duration keepFor,
        Duration sweepEvery,
        Duration sweepAfter,
        Duration unlockPoll,
        Duration unlockWait,
        Duration gather,
        Duration drainTimeout,
        @Nullable Integer healthPort,
        Exports.Settings exports,
        String log,
        S3Settings s3,
        SqsSettings sqs) {
    static final String QUEUE_URL = "COMPACTOR_QUEUE_URL";
    static final String DLQ_URL = "COMPACTOR_DLQ_URL";
    static final String BUCKET = "COMPACTOR_BUCKET";

    /** Every name with our prefix; the last one is for the start script. */
    static final List<String> KNOWN = List.of(
            QUEUE_URL,
            DLQ_URL,
            BUCKET,
            "COMPACTOR_RESULTS_QUEUE_URL",
            "COMPACTOR_CONCURRENCY",
            "COMPACTOR_VISIBILITY",
            "COMPACTOR_MAX_ATTEMPTS",
            "COMPACTOR_SCRATCH_DIR",
            "COMPACTOR_SCRATCH_MIB",
            "COMPACTOR_KEEP_VERSIONS",
            "COMPACTOR_KEEP_FOR",
            "COMPACTOR_SWEEP_EVERY",
            "COMPACTOR_SWEEP_AFTER",
            "COMPACTOR_UNLOCK_POLL",
            "COMPACTOR_UNLOCK_WAIT",
            "COMPACTOR_GATHER",
            "COMPACTOR_DRAIN_TIMEOUT",
            "COMPACTOR_HEALTH_PORT",
            "COMPACTOR_METRICS",
            "COMPACTOR_METRICS_INTERVAL",
            "COMPACTOR_LOG",
            "COMPACTOR_S3_PATH_STYLE",
            "COMPACTOR_JAVA_OPTS");

    /**
     * @param required the names that this command cannot do without
     * @throws ConfigException with all problems together
     */
    static Config from(Map<String, String> environment, String... required) {
        var in = new Environment(environment);
        in.refuseUnknown("COMPACTOR_", KNOWN);
        for (var name : required) {
            in.require(name);
        }
        in.checkUrl("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_S3");
        in.checkFlag("COMPACTOR_S3_PATH_STYLE");
        var healthPort = in.optionalNumber("COMPACTOR_HEALTH_PORT", 1, 65_535);
        var config = new Config(
                in.url(QUEUE_URL),
                in.url(DLQ_URL),
                in.matching(BUCKET, "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket name"),
                in.url("COMPACTOR_RESULTS_QUEUE_URL"),
                in.number("COMPACTOR_CONCURRENCY", 1, 256, Runtime.getRuntime().availableProcessors()),
                in.seconds("COMPACTOR_VISIBILITY", Duration.ofSeconds(1), Duration.ofHours(6), Duration.ofMinutes(5)),
                in.number("COMPACTOR_MAX_ATTEMPTS", 1, 1000, 5),
                in.path("COMPACTOR_SCRATCH_DIR", Path.of(System.getProperty("java.io.tmpdir"), "compactor")),
                in.optionalNumber("COMPACTOR_SCRATCH_MIB", 1, Integer.MAX_VALUE),
                in.number("COMPACTOR_KEEP_VERSIONS", 1, 100_000, 4),
                in.duration("COMPACTOR_KEEP_FOR", Duration.ZERO, Duration.ofDays(3650), Duration.ofDays(1)),
                in.duration("COMPACTOR_SWEEP_EVERY", Duration.ofSeconds(1), Duration.ofDays(1), Duration.ofMinutes(5)),
                in.duration("COMPACTOR_SWEEP_AFTER", Duration.ofSeconds(1), Duration.ofDays(7), Duration.ofHours(1)),
                in.duration(
                        "COMPACTOR_UNLOCK_POLL", Duration.ofMillis(1), Duration.ofMinutes(1), Duration.ofMillis(50)),
                in.duration("COMPACTOR_UNLOCK_WAIT", Duration.ZERO, Duration.ofHours(1), Duration.ofSeconds(2)),
                in.seconds("COMPACTOR_GATHER", Duration.ZERO, Duration.ofMinutes(15), Duration.ofSeconds(10)),
                in.duration("COMPACTOR_DRAIN_TIMEOUT", Duration.ZERO, Duration.ofHours(12), Duration.ofSeconds(100)),
                healthPort,
                new Exports.Settings(
                        healthPort != null,
                        in.oneOf("COMPACTOR_METRICS", "none", "emf").equals("emf"),
                        in.address("OTEL_EXPORTER_OTLP_ENDPOINT"),
                        in.duration(
                                "COMPACTOR_METRICS_INTERVAL",
                                Duration.ofSeconds(1),
                                Duration.ofHours(1),
                                Duration.ofMinutes(1))),
                in.oneOf("COMPACTOR_LOG", "json", "text"),
                S3Settings.fromEnvironment(in.asFarAsValid()),
                SqsSettings.fromEnvironment(in.asFarAsValid()));
        in.refuseProblems();
        return config;
    }

    /** For commands that named it as required; likewise the two below. */
    String requiredQueueUrl() {
        return required(queueUrl, QUEUE_URL);
    }

    String requiredDeadLetterQueueUrl() {
        return required(deadLetterQueueUrl, DLQ_URL);
    }

    String requiredBucket() {
        return required(bucket, BUCKET);
    }

    private static String required(@Nullable String value, String name) {
        if (value == null) {
            throw new ConfigException(List.of(name + " is not set"));
        }
        return value;
    }
}
