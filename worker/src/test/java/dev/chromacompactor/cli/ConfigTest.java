package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigTest {
    private static final String[] WORKER = {Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET};
    private static final Map<String, String> MINIMAL = Map.of(
            "COMPACTOR_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/work",
            "COMPACTOR_DLQ_URL", "https://sqs.eu-west-1.amazonaws.com/1/dead",
            "COMPACTOR_BUCKET", "chroma-data",
            "HOME", "/root");

    private static Map<String, String> with(String name, String value) {
        var environment = new HashMap<>(MINIMAL);
        environment.put(name, value);
        return environment;
    }

    private static List<String> problems(Map<String, String> environment) {
        return catchThrowableOfType(ConfigException.class, () -> Config.from(environment, WORKER))
                .problems();
    }

    @Test
    void has_sensible_defaults() {
        var config = Config.from(MINIMAL, WORKER);

        assertThat(config.requiredQueueUrl()).isEqualTo("https://sqs.eu-west-1.amazonaws.com/1/work");
        assertThat(config.requiredDeadLetterQueueUrl()).endsWith("/dead");
        assertThat(config.requiredBucket()).isEqualTo("chroma-data");
        assertThat(config.resultsQueueUrl()).isNull();
        assertThat(config.concurrency()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(config.visibility()).isEqualTo(Duration.ofMinutes(5));
        assertThat(config.maxAttempts()).isEqualTo(5);
        assertThat(config.scratchDir()).isAbsolute();
        assertThat(config.keepVersions()).isEqualTo(4);
        assertThat(config.keepFor()).isEqualTo(Duration.ofDays(1));
        assertThat(config.unlockPoll()).isEqualTo(Duration.ofMillis(50));
        assertThat(config.unlockWait()).isEqualTo(Duration.ofSeconds(2));
        assertThat(config.drainTimeout()).isEqualTo(Duration.ofSeconds(100));
        assertThat(config.healthPort()).isNull();
        assertThat(config.s3().endpoint()).isNull();
        assertThat(config.s3().pathStyle()).isFalse();
    }

    @Test
    void all_problems_are_reported_together() {
        var problems = problems(Map.of(
                "COMPACTOR_QUEUE_URL", "work",
                "COMPACTOR_BUCKET", "No_Bucket",
                "COMPACTOR_CONCURRENCY", "0",
                "COMPACTOR_VISIBILITY", "PT0.5S",
                "COMPACTOR_KEEP_FOR", "1 day",
                "COMPACTOR_S3_PATH_STYLE", "yes",
                "COMPACTOR_HEALTH_PORT", "99999",
                "AWS_ENDPOINT_URL_SQS", "localhost:9324",
                "COMPACTOR_DRAIN_TIME", "PT1S"));

        assertThat(problems)
                .containsExactlyInAnyOrder(
                        "COMPACTOR_DRAIN_TIME is unknown; did you mean COMPACTOR_DRAIN_TIMEOUT?",
                        "COMPACTOR_DLQ_URL is not set",
                        "COMPACTOR_QUEUE_URL: \"work\" is not an http or https URL",
                        "COMPACTOR_BUCKET: \"No_Bucket\" is not a bucket name",
                        "COMPACTOR_CONCURRENCY: \"0\" is not a whole number from 1 to 256",
                        "COMPACTOR_VISIBILITY: PT0.5S is not between PT1S and PT6H",
                        "COMPACTOR_KEEP_FOR: \"1 day\" is not an ISO-8601 duration, such as PT24H",
                        "COMPACTOR_S3_PATH_STYLE: \"yes\" is not true or false",
                        "COMPACTOR_HEALTH_PORT: \"99999\" is not a whole number from 1 to 65535",
                        "AWS_ENDPOINT_URL_SQS: \"localhost:9324\" is not an http or https URL");
    }

    @ParameterizedTest
    @CsvSource({
        "COMPACTOR_QUEUE, COMPACTOR_QUEUE_URL",
        "COMPACTOR_VISIBILITY_TIMEOUT, COMPACTOR_VISIBILITY",
        "COMPACTOR_MAX_ATTEMPT, COMPACTOR_MAX_ATTEMPTS",
        "COMPACTOR_SCRATCHDIR, COMPACTOR_SCRATCH_DIR"
    })
    void an_unknown_name_is_refused_with_the_nearest_known_one(String unknown, String meant) {
        assertThat(problems(with(unknown, "x"))).containsExactly(unknown + " is unknown; did you mean " + meant + "?");
    }

    @Test
    void a_command_that_needs_no_queue_does_not_ask_for_one() {
        assertThat(Config.from(Map.of()).queueUrl()).isNull();
    }

    @Test
    void an_empty_value_counts_as_absent() {
        assertThat(problems(with("COMPACTOR_BUCKET", " "))).containsExactly("COMPACTOR_BUCKET is not set");
        assertThat(Config.from(with("COMPACTOR_VISIBILITY", "")).visibility()).isEqualTo(Duration.ofMinutes(5));
    }

    @Test
    void a_visibility_with_a_fraction_of_a_second_is_refused_rather_than_cut() {
        assertThat(problems(with("COMPACTOR_VISIBILITY", "PT30.5S")))
                .containsExactly("COMPACTOR_VISIBILITY: PT30.5S is not in whole seconds");
    }

    @Test
    void service_endpoints_come_before_the_common_one_and_loopback_is_path_style() {
        var config = Config.from(
                Map.of("AWS_ENDPOINT_URL", "http://localhost:4566", "AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9324"));

        assertThat(config.sqs().endpoint()).isEqualTo(URI.create("http://127.0.0.1:9324"));
        assertThat(config.s3().endpoint()).isEqualTo(URI.create("http://localhost:4566"));
        assertThat(config.s3().pathStyle()).isTrue();
    }

    @Test
    void secrets_are_never_printed() {
        var environment = with("AWS_SECRET_ACCESS_KEY", "s3cr3t");
        assertThat(Config.from(environment).toString()).doesNotContain("s3cr3t");

        environment.put("AWS_ENDPOINT_URL", "http://user:s3cr3t@localhost");
        assertThat(problems(environment))
                .singleElement()
                .asString()
                .startsWith("AWS_ENDPOINT_URL")
                .doesNotContain("s3cr3t");
    }
}
