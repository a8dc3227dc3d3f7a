package dev.chromacompactor.cli;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The page for operators names what the program reads, with the defaults it has. */
class ConfigurationPageTest {
    private static final Path PAGE = Path.of("..", "docs", "configuration.md");
    private static final Pattern ROW = Pattern.compile("\\| (`[A-Z_0-9`, ]+`) \\| (.+?) \\| (.+) \\|");
    private static final String CORES = "number of cores";

    /** Without those that are only for the start script or for the services' clients. */
    private static final Map<String, Function<Config, @Nullable Object>> VALUES = Map.ofEntries(
            entry("COMPACTOR_QUEUE_URL", Config::queueUrl),
            entry("COMPACTOR_DLQ_URL", Config::deadLetterQueueUrl),
            entry("COMPACTOR_BUCKET", Config::bucket),
            entry("COMPACTOR_RESULTS_QUEUE_URL", Config::resultsQueueUrl),
            entry("COMPACTOR_CONCURRENCY", Config::concurrency),
            entry("COMPACTOR_VISIBILITY", Config::visibility),
            entry("COMPACTOR_MAX_ATTEMPTS", Config::maxAttempts),
            entry("COMPACTOR_SCRATCH_DIR", Config::scratchDir),
            entry("COMPACTOR_SCRATCH_MIB", Config::scratchMib),
            entry("COMPACTOR_KEEP_VERSIONS", Config::keepVersions),
            entry("COMPACTOR_KEEP_FOR", Config::keepFor),
            entry("COMPACTOR_SWEEP_EVERY", Config::sweepEvery),
            entry("COMPACTOR_SWEEP_AFTER", Config::sweepAfter),
            entry("COMPACTOR_UNLOCK_POLL", Config::unlockPoll),
            entry("COMPACTOR_UNLOCK_WAIT", Config::unlockWait),
            entry("COMPACTOR_GATHER", Config::gather),
            entry("COMPACTOR_DRAIN_TIMEOUT", Config::drainTimeout),
            entry("COMPACTOR_HEALTH_PORT", Config::healthPort),
            entry("COMPACTOR_METRICS", config -> config.exports().emf() ? "emf" : "none"),
            entry("COMPACTOR_METRICS_INTERVAL", config -> config.exports().interval()),
            entry("COMPACTOR_LOG", Config::log),
            entry("COMPACTOR_S3_PATH_STYLE", config -> config.s3().pathStyle()));

    /** Default by name. */
    private static Map<String, String> page() throws IOException {
        var rows = new LinkedHashMap<String, String>();
        for (String line : Files.readAllLines(PAGE)) {
            var row = ROW.matcher(line);
            if (row.matches()) {
                for (String name : row.group(1).split(", ", -1)) {
                    rows.put(name.replace("`", ""), row.group(2).replace("`", ""));
                }
            }
        }
        return rows;
    }

    @Test
    void the_page_names_every_variable_and_no_other() throws IOException {
        assertThat(page().keySet().stream().filter(name -> name.startsWith("COMPACTOR_")))
                .containsExactlyElementsOf(Config.KNOWN);
        assertThat(page().keySet().stream().filter(name -> name.startsWith("AWS_")))
                .containsExactlyInAnyOrder(
                        "AWS_REGION",
                        "AWS_DEFAULT_REGION",
                        "AWS_ENDPOINT_URL",
                        "AWS_ENDPOINT_URL_SQS",
                        "AWS_ENDPOINT_URL_S3");
    }

    @Test
    void every_variable_has_the_default_that_the_page_says() throws IOException {
        var config = Config.from(Map.of());
        var page = page();
        VALUES.forEach((name, value) -> {
            Object is = value.apply(config);
            String said = Objects.requireNonNull(page.get(name), name);
            switch (is) {
                case null -> assertThat(said).as(name).isEqualTo("none");
                case Duration duration ->
                    assertThat(Duration.parse(said)).as(name).isEqualTo(duration);
                case Path path ->
                    assertThat(said).as(name).startsWith(path.getFileName() + " in the system's temporary");
                case Integer number
                when said.equals(CORES) ->
                    assertThat(number).as(name).isEqualTo(Runtime.getRuntime().availableProcessors());
                default -> assertThat(said).as(name).isEqualTo(is.toString());
            }
        });
        assertThat(VALUES).hasSize(Config.KNOWN.size() - 1);
    }
}
