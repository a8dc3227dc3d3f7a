package dev.chromacompactor.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Answer.None;
import dev.chromacompactor.preflight.Finding.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class QueueChecksTest {
    private static final String LETTERS_ARN = "arn:aws:sqs:eu-west-1:123456789012:dlq";
    private static final Duration ASKED = Duration.ofMinutes(5);
    private static final Duration FOURTEEN_DAYS = Duration.ofDays(14);

    private final Map<String, String> work = new HashMap<>(Map.of(
            "QueueArn", "arn:aws:sqs:eu-west-1:123456789012:work",
            "MessageRetentionPeriod", "345600",
            "VisibilityTimeout", "300",
            "RedrivePolicy", redrive(20)));
    private final Map<String, String> letters = new HashMap<>(
            Map.of("QueueArn", LETTERS_ARN, "MessageRetentionPeriod", "1209600", "VisibilityTimeout", "30"));

    private static String redrive(int receives) {
        return "{\"deadLetterTargetArn\":\"" + LETTERS_ARN + "\",\"maxReceiveCount\":" + receives + "}";
    }

    private static <T> Answer<T> none(String reason) {
        return new None<>(new Failure(Blame.DEPENDENCY, reason, "read the attributes of http://q: as said"));
    }

    private List<Finding> findings() {
        return QueueChecks.of(facts("work", work), facts("dlq", letters), null, new Given<>(true), ASKED);
    }

    private static Answer<QueueFacts> facts(String name, Map<String, String> attributes) {
        return new Given<>(QueueFacts.of("https://sqs/" + name, attributes));
    }

    private static List<@Nullable String> reasons(List<Finding> findings, Level level) {
        return findings.stream()
                .filter(each -> each.level() == level)
                .<@Nullable String>map(Finding::reason)
                .toList();
    }

    private void problem(String reason) {
        assertThat(reasons(findings(), Level.PROBLEM)).containsExactly(reason);
    }

    private void warning(String reason) {
        assertThat(reasons(findings(), Level.PROBLEM)).isEmpty();
        assertThat(reasons(findings(), Level.WARNING)).containsExactly(reason);
    }

    @Test
    void queues_as_the_handbook_wants_them_are_fine() {
        assertThat(findings()).isNotEmpty().allMatch(each -> each.level() == Level.OK);
    }

    @Test
    void a_dead_letter_queue_that_is_never_reached_is_refused() {
        // 1000 receives of a quarter of an hour are more than ten days, and the queue keeps messages for four.
        work.put("RedrivePolicy", redrive(1000));
        work.put("VisibilityTimeout", "900");
        problem("dlq-unreachable");
        assertThat(findings().stream().filter(each -> each.level() == Level.PROBLEM))
                .singleElement()
                .satisfies(each -> assertThat(each.says()).contains("1000 receives", "PT250H", "4 days"));
    }

    @Test
    void exactly_the_retention_is_too_long_and_a_second_less_is_not() {
        work.put("RedrivePolicy", redrive(24));
        work.put("VisibilityTimeout", String.valueOf(4 * 3600));
        problem("dlq-unreachable");
        work.put("VisibilityTimeout", String.valueOf(4 * 3600 - 1));
        assertThat(reasons(findings(), Level.PROBLEM)).isEmpty();
    }

    @Test
    void the_longer_of_the_queues_and_the_workers_visibility_counts() {
        work.put("RedrivePolicy", redrive(20));
        work.put("VisibilityTimeout", "30");
        assertThat(reasons(findings(), Level.PROBLEM)).isEmpty();
        var slow = QueueChecks.of(
                facts("work", work), facts("dlq", letters), null, new Given<>(true), Duration.ofHours(6));
        assertThat(reasons(slow, Level.PROBLEM)).containsExactly("dlq-unreachable");
    }

    @Test
    void no_redrive_policy_or_an_unreadable_one_is_refused() {
        work.remove("RedrivePolicy");
        problem("redrive-missing");
        work.put("RedrivePolicy", "{");
        problem("redrive-missing");
    }

    @Test
    void a_redrive_to_another_queue_than_the_configured_one_is_refused() {
        letters.put("QueueArn", "arn:aws:sqs:eu-west-1:123456789012:other");
        problem("redrive-elsewhere");
    }

    @Test
    void letters_that_live_shorter_than_messages_are_refused_and_as_long_is_a_warning() {
        letters.put("MessageRetentionPeriod", "345599");
        problem("dlq-retention-short");
        letters.put("MessageRetentionPeriod", "345600");
        warning("dlq-retention-tight");
    }

    @Test
    void few_receives_are_a_warning_since_an_outage_takes_some() {
        work.put("RedrivePolicy", redrive(5));
        warning("redrive-eager");
    }

    @Test
    void a_fifo_queue_is_refused() {
        work.put("FifoQueue", "true");
        problem("queue-fifo");
    }

    @Test
    void a_server_that_says_no_retention_keeps_messages_for_ever() {
        work.remove("MessageRetentionPeriod");
        letters.remove("MessageRetentionPeriod");
        assertThat(findings()).allMatch(each -> each.level() == Level.OK);
    }

    @Test
    void all_problems_come_together() {
        work.put("RedrivePolicy", redrive(1000));
        work.put("VisibilityTimeout", "900");
        letters.put("QueueArn", "arn:aws:sqs:eu-west-1:123456789012:other");
        letters.put("MessageRetentionPeriod", "60");
        assertThat(reasons(findings(), Level.PROBLEM))
                .containsExactly("redrive-elsewhere", "dlq-unreachable", "dlq-retention-short");
    }

    @Test
    void a_missing_queue_and_a_refusal_are_problems_and_an_outage_is_none() {
        for (String reason : List.of("queue-missing", "sqs-access-denied", "sqs-refused", "credentials-missing")) {
            var findings = QueueChecks.of(none(reason), facts("dlq", letters), null, none(reason), ASKED);
            assertThat(reasons(findings, Level.PROBLEM)).containsExactly(reason);
        }
        for (String reason : List.of("sqs-unavailable", "sqs-throttled")) {
            var findings = QueueChecks.of(none(reason), facts("dlq", letters), none(reason), none(reason), ASKED);
            assertThat(reasons(findings, Level.PROBLEM)).isEmpty();
            assertThat(reasons(findings, Level.UNANSWERED)).containsExactly(reason, reason);
        }
    }

    @Test
    void not_being_allowed_to_delete_is_a_problem_of_its_own() {
        var findings =
                QueueChecks.of(facts("work", work), facts("dlq", letters), null, none("sqs-access-denied"), ASKED);
        assertThat(reasons(findings, Level.PROBLEM)).containsExactly("sqs-access-denied");
    }

    @Test
    void what_is_wrong_says_what_to_do() {
        work.remove("RedrivePolicy");
        letters.put("MessageRetentionPeriod", "60");
        assertThat(findings().stream().filter(each -> each.level() != Level.OK))
                .allSatisfy(each ->
                        assertThat(Objects.requireNonNull(each.remedy())).isNotBlank());
    }

    @Test
    void durations_read_well() {
        assertThat(QueueChecks.text(FOURTEEN_DAYS)).isEqualTo("14 days");
        assertThat(QueueChecks.text(Duration.ofDays(1))).isEqualTo("1 day");
        assertThat(QueueChecks.text(Duration.ofMinutes(90))).isEqualTo("PT1H30M");
    }
}
