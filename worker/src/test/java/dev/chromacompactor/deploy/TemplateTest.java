package dev.chromacompactor.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.deploy.Template.Statement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What the template says, where the worker or its promises depend on it. */
class TemplateTest {
    @Test
    void pointers_cannot_be_written_without_a_condition_by_anybody() {
        var denied = only(Template.statements("BucketPolicy"), "s3:PutObject");

        assertThat(denied.node().path("Principal").asText()).isEqualTo("*");
        // Both in one block: refused if this and that are absent.
        assertThat(denied.node().path("Condition")).hasToString("""
                {"Null":{"s3:if-match":"true","s3:if-none-match":"true"}}""");
        assertThat(denied.covers("${Bucket.Arn}/words/snapshot/latest-pointer.txt"))
                .isTrue();
        assertThat(denied.covers("${Bucket.Arn}/words/snapshot/timestamped/v/chroma.sqlite3"))
                .isFalse();
        assertThat(denied.covers("${Bucket.Arn}/words/delta/1/chroma.sqlite3")).isFalse();
    }

    @Test
    void everything_is_encrypted_and_nothing_is_reached_without_TLS() {
        for (var queue : Template.named("AWS::SQS::Queue")) {
            assertThat(Template.properties(queue).path("SqsManagedSseEnabled"))
                    .as(queue)
                    .isNotEmpty();
            assertThat(tlsOnly(queue + "Policy", "sqs:*").resources()).containsExactly(queue + ".Arn");
        }
        assertThat(tlsOnly("BucketPolicy", "s3:*").resources()).containsExactly("Bucket.Arn", "${Bucket.Arn}/*");
        assertThat(Template.properties("Bucket").at("/BucketEncryption/ServerSideEncryptionConfiguration"))
                .isNotEmpty();
        assertThat(Template.properties("Bucket").path("PublicAccessBlockConfiguration"))
                .hasSize(4)
                .allMatch(JsonNode::asBoolean);
    }

    private static Statement tlsOnly(String policy, String action) {
        var denied = only(Template.statements(policy), action);
        assertThat(denied.node().path("Principal").asText()).isEqualTo("*");
        assertThat(denied.node().path("Condition")).hasToString("""
                {"Bool":{"aws:SecureTransport":"false"}}""");
        return denied;
    }

    private static Statement only(List<Statement> statements, String deniedAction) {
        var denied = statements.stream()
                .filter(each -> each.effect().equals("Deny") && each.actions().contains(deniedAction))
                .toList();
        assertThat(denied).hasSize(1);
        return denied.getFirst();
    }

    @Test
    void no_current_object_expires_and_the_bucket_outlives_the_stack() {
        var rules = Template.properties("Bucket").at("/LifecycleConfiguration/Rules");

        assertThat(rules).isNotEmpty();
        assertThat(rules.toString())
                .contains("AbortIncompleteMultipartUpload")
                .doesNotContain("ExpirationInDays", "ExpirationDate", "Transition");
        assertThat(Template.resources().path("Bucket").path("DeletionPolicy").asText())
                .isEqualTo("Retain");
    }

    @Test
    void what_fails_for_good_reaches_the_dead_letter_queue_and_stays_there_longer() {
        var work = Template.properties("WorkQueue");
        var letters = Template.properties("DeadLetterQueue");
        int receives = work.at("/RedrivePolicy/maxReceiveCount").asInt();
        int retention = work.path("MessageRetentionPeriod").asInt();

        assertThat(work.at("/RedrivePolicy/deadLetterTargetArn").asText()).isEqualTo("DeadLetterQueue.Arn");
        assertThat(receives * work.path("VisibilityTimeout").asInt())
                .isPositive()
                .isLessThan(retention);
        assertThat(letters.path("MessageRetentionPeriod").asInt())
                .isGreaterThan(retention)
                .isEqualTo((int) Duration.ofDays(14).toSeconds());
        assertThat(letters.at("/RedriveAllowPolicy/sourceQueueArns/0").asText())
                .endsWith(":" + work.path("QueueName").asText());
        // In time even for a letter that spent its whole first life in the work queue.
        assertThat(Template.properties("DeadLettersExpireAlarm")
                                .path("Threshold")
                                .asInt()
                        + retention)
                .isLessThan(letters.path("MessageRetentionPeriod").asInt());
    }

    @Test
    void a_task_gets_time_to_hand_its_work_back_and_may_write_to_its_scratch_volume_alone() {
        var container = Template.container();

        assertThat(container.path("StopTimeout").asInt()).isEqualTo(120);
        assertThat(Duration.parse(variable("COMPACTOR_DRAIN_TIMEOUT"))).isLessThan(Duration.ofMinutes(2));
        assertThat(container.path("ReadonlyRootFilesystem").asBoolean()).isTrue();
        assertThat(container.path("MountPoints")).hasSize(1);
        assertThat(container.at("/MountPoints/0/ContainerPath").asText()).isEqualTo(variable("COMPACTOR_SCRATCH_DIR"));
        assertThat(container.path("User").asText()).doesNotStartWith("0");
        assertThat(container.at("/LinuxParameters/InitProcessEnabled").asBoolean())
                .isTrue();
        var breaker = Template.properties("Service").at("/DeploymentConfiguration/DeploymentCircuitBreaker");
        assertThat(breaker).hasToString("""
                {"Enable":true,"Rollback":true}""");
    }

    @Test
    void the_worker_knows_every_variable_that_the_task_sets() throws IOException {
        var documented = Files.readString(Path.of("..", "docs", "configuration.md"));

        assertThat(Template.container().path("Environment"))
                .hasSizeGreaterThan(5)
                .allSatisfy(each -> assertThat(documented).contains("| `" + name(each) + "` |"));
    }

    private static String name(JsonNode variable) {
        return (variable.isArray() ? variable.path(1) : variable).path("Name").asText();
    }

    private static String variable(String name) {
        for (var each : Template.container().path("Environment")) {
            if (name(each).equals(name)) {
                return each.path("Value").asText();
            }
        }
        throw new AssertionError(name + " is not set");
    }

    @Test
    void the_backlog_counts_what_is_held_and_is_divided_by_the_running_tasks() {
        var metrics = Template.properties("ScaleByBacklog")
                .at("/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Metrics");
        var meaning = new TreeMap<String, String>();
        metrics.forEach(each -> meaning.put(
                each.path("Id").asText(),
                each.has("Expression")
                        ? each.path("Expression").asText()
                        : each.at("/MetricStat/Metric/MetricName").asText()));

        assertThat(meaning)
                .containsEntry("visible", "ApproximateNumberOfMessagesVisible")
                .containsEntry("held", "ApproximateNumberOfMessagesNotVisible")
                .containsEntry("running", "RunningTaskCount")
                .containsEntry("tasks", "FILL(running, REPEAT)")
                .containsEntry("backlog", "(visible + held) / IF(tasks > 0, tasks, 1)");
        assertThat(metrics)
                .filteredOn(each -> each.path("ReturnData").asBoolean())
                .hasSize(1);
        assertThat(Template.properties("Service").has("DesiredCount"))
                .as("an update of the stack must not reset what the scaling decided")
                .isFalse();
    }

    @Test
    void every_parameter_is_explained_with_its_default() throws IOException {
        var page = Files.readAllLines(Path.of("..", "deploy", "README.md"));
        var names = new TreeSet<String>();
        Template.parameters().properties().forEach(each -> {
            names.add(each.getKey());
            var value = each.getValue().path("Default");
            var written = value.isMissingNode()
                    ? "required"
                    : value.asText().isEmpty() ? "empty" : "`" + value.asText() + "`";
            assertThat(page)
                    .anyMatch(line -> line.startsWith("| `" + each.getKey() + "` | " + written + " |"), each.getKey());
        });

        assertThat(page.stream()
                        .filter(line -> line.matches("\\| `[A-Z][A-Za-z]+` \\| .*"))
                        .map(line -> line.substring(3, line.indexOf('`', 3))))
                .filteredOn(Template.parameters()::has)
                .hasSameElementsAs(names);
    }
}
