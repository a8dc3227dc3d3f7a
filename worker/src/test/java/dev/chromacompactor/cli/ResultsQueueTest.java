package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.Schemas;
import dev.chromacompactor.TestServers;
import dev.chromacompactor.message.StageMessages;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/** What whoever reads the results queue learns of a batch, as a worker sends it through SQS. */
class ResultsQueueTest {
    private static final String DELTAS = "words/delta/";

    @TempDir
    Path scratch;

    private Stage stage;
    private SqsClient sqs;
    private String results;

    @BeforeEach
    void start() {
        stage = new Stage(scratch.resolve("workers"), environment -> {
            sqs = SqsClient.builder()
                    .endpointOverride(URI.create(Objects.requireNonNull(environment.get("AWS_ENDPOINT_URL_SQS"))))
                    .region(Region.US_EAST_1)
                    .credentialsProvider(TestServers.CREDENTIALS)
                    .build();
            results = sqs.createQueue(request -> request.queueName("results")).queueUrl();
            environment.put("COMPACTOR_RESULTS_QUEUE_URL", results);
        });
    }

    @AfterEach
    void stop() {
        sqs.close();
        stage.close();
    }

    /** The next event, which must be as its schema says. */
    private JsonNode event() throws Exception {
        var messages = sqs.receiveMessage(request ->
                        request.queueUrl(results).maxNumberOfMessages(1).waitTimeSeconds(20))
                .messages();
        assertThat(messages).hasSize(1);
        var _ = sqs.deleteMessage(request ->
                request.queueUrl(results).receiptHandle(messages.getFirst().receiptHandle()));
        JsonNode event =
                JsonMapper.builder().build().readTree(messages.getFirst().body());
        assertThat(Schemas.problemsOfOurs("event", event)).as(event.toString()).isEmpty();
        return event;
    }

    private void assertSilent() {
        assertThat(sqs.receiveMessage(request -> request.queueUrl(results).waitTimeSeconds(1))
                        .messages())
                .isEmpty();
    }

    private static Map<String, JsonNode> fields(JsonNode event) {
        return event.properties().stream().collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    @Test
    void a_batch_that_is_published_is_told_with_all_it_came_to_at_least_once_and_again_when_that_changes()
            throws Exception {
        stage.upload("small_wal", scratch, DELTAS + "good/");
        stage.store().put(DELTAS + "bad/chroma.sqlite3", "no database".getBytes(UTF_8));
        String[] enqueue = {
            "enqueue",
            "--database",
            "words",
            "--delta",
            DELTAS + "good",
            "--delta",
            DELTAS + "bad",
            "--chunk-size",
            "1",
            "--batch",
            "b-1",
            "--watch"
        };
        stage.withWorker(() -> {
            stage.run(enqueue).ended(ExitCode.FOUND_SOMETHING);
            JsonNode event = event();
            String live = new String(
                    stage.store()
                            .read("words/snapshot/latest-pointer.txt")
                            .orElseThrow()
                            .bytes(),
                    UTF_8);
            long records = stage.connection()
                    .catalog("words")
                    .load(live)
                    .orElseThrow()
                    .contents()
                    .records();
            assertThat(fields(event))
                    .containsOnlyKeys(
                            "event",
                            "batch_id",
                            "database",
                            "snapshot_key",
                            "version",
                            "total_embeddings",
                            "snapshot_embeddings",
                            "processing_time_seconds",
                            "excused");
            assertThat(event.get("event").asText()).isEqualTo("batch_published");
            assertThat(event.get("batch_id").asText()).isEqualTo("b-1");
            assertThat(event.get("database").asText()).isEqualTo("words");
            assertThat(event.get("version").asText()).isEqualTo(live);
            assertThat(event.get("snapshot_key").asText()).isEqualTo("words/snapshot/timestamped/" + live + "/");
            assertThat(event.get("total_embeddings").asLong())
                    .isEqualTo(records)
                    .isPositive();
            assertThat(event.get("snapshot_embeddings").asLong()).isEqualTo(records);
            assertThat(event.get("processing_time_seconds").asDouble()).isPositive();
            assertThat(event.get("excused")).hasSize(1);
            assertThat(event.get("excused").get(0).get("chunk").asText()).isEqualTo("b-1/1");
            assertThat(event.get("excused").get(0).get("reason").asText()).isEqualTo("sqlite-corrupt");

            // A duplicate of the message is no news.
            stage.connection().queue().send(List.of(StageMessages.finalMerge("b-1", "words")));
            assertSilent();
            // A worker that died between the event and the object that remembers it: rather twice than never.
            stage.store().delete(List.of("batches/b-1/published.json"));
            stage.connection().queue().send(List.of(StageMessages.finalMerge("b-1", "words")));
            assertThat(event().get("version")).isEqualTo(event.get("version"));

            // The other chunk comes in later.
            stage.upload("persisted", scratch, DELTAS + "bad/");
            stage.run("dlq", "replay", "--batch", "b-1", "--yes").ended(0);
            JsonNode whole = event();
            assertThat(whole.get("excused")).isEmpty();
            assertThat(whole.get("version")).isNotEqualTo(event.get("version"));
            assertThat(whole.get("total_embeddings").asLong()).isGreaterThan(records);
        });
    }
}
