package dev.chromacompactor.cli;

import dev.chromacompactor.preflight.Finding;
import dev.chromacompactor.preflight.Finding.Level;
import dev.chromacompactor.preflight.Preflight;
import dev.chromacompactor.preflight.Report;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * What stands between a worker and its first poll. A wrong setting is refused, all of them together; who does not answer is
 * asked again and again, since a worker that ended would only be started anew.
 */
final class StartUp {
    private static final Logger LOG = LoggerFactory.getLogger(StartUp.class);

    /** Few, as each start does them: a store that is not atomic loses nearly each. */
    static final int ROUNDS = 3;

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    private StartUp() {}

    /** Waits, or is told to stop meanwhile. */
    @FunctionalInterface
    interface Rest {
        /** @return whether to stop */
        boolean stopped(Duration pause) throws InterruptedException;
    }

    static Preflight preflight(Connection connection, InstantSource clock) {
        Config config = connection.config();
        String results = config.resultsQueueUrl();
        String bucket = config.requiredBucket();
        return new Preflight(
                connection.queue(),
                connection.deadLetterQueue(),
                results == null ? null : connection.queue(results),
                connection.store(),
                () -> connection.stores().lifecycle(bucket),
                clock);
    }

    static Preflight.Host host(Config config, Map<String, String> environment) {
        return new Preflight.Host(
                config.scratchDir(),
                config.visibility(),
                config.drainTimeout(),
                "AWS_ECS_FARGATE".equals(environment.get("AWS_EXECUTION_ENV")));
    }

    /** For a worker: until it is asked to stop. */
    static boolean passed(Connection connection, CountDownLatch asked) throws InterruptedException {
        var preflight = preflight(connection, InstantSource.system());
        var host = host(connection.config(), System.getenv());
        return passed(
                () -> preflight.look(host, ROUNDS),
                pause -> asked.await(pause.toMillis(), TimeUnit.MILLISECONDS),
                RandomGenerator.getDefault());
    }

    /**
     * Looks until everything is known and nothing is wrong.
     *
     * @return false if it was told to stop meanwhile
     * @throws ConfigException with all problems together
     */
    static boolean passed(Supplier<Report> look, Rest rest, RandomGenerator random) throws InterruptedException {
        for (int tries = 0; ; tries++) {
            Report report = look.get();
            if (report.has(Level.PROBLEM)) {
                throw refusal(report);
            }
            report.at(Level.WARNING)
                    .forEach(warning -> line(warning).log("a setting to look at: {}", warning.remedy()));
            List<Finding> unanswered = report.at(Level.UNANSWERED);
            if (unanswered.isEmpty()) {
                return true;
            }
            Duration pause = pause(tries, random);
            unanswered.forEach(each -> line(each)
                    .addKeyValue(Keys.DELAY_MILLIS, pause.toMillis())
                    .log("not started yet, as {} does not answer; asked again", each.subject()));
            if (rest.stopped(pause)) {
                return false;
            }
        }
    }

    /** Between half and all of a bound that doubles: a fleet that starts together does not ask together. */
    private static Duration pause(int tries, RandomGenerator random) {
        Duration doubled = FIRST_PAUSE.multipliedBy(1L << Math.min(tries, 10));
        long most = (doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE).toMillis();
        return Duration.ofMillis(random.nextLong(most / 2, most + 1));
    }

    private static LoggingEventBuilder line(Finding finding) {
        return LOG.atWarn().addKeyValue(Keys.REASON, finding.reason()).addKeyValue(Keys.MESSAGE, finding.says());
    }

    private static ConfigException refusal(Report report) {
        return new ConfigException(
                report.findings().stream()
                        .filter(each -> each.level() == Level.PROBLEM || each.level() == Level.UNANSWERED)
                        .map(StartUp::words)
                        .toList(),
                "docs/operations.md explains each reason; compactor doctor looks again.");
    }

    private static String words(Finding finding) {
        return finding.subject() + ": "
                + (finding.level() == Level.UNANSWERED ? "not looked at, as it does not answer: " : "")
                + finding.says() + " [" + finding.reason() + "]"
                + (finding.level() == Level.PROBLEM ? "; " + finding.remedy() : "");
    }
}
