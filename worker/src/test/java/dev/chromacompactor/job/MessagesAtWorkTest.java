package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chromacompactor.TestServers;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.Message;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.store.S3Settings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** The example bodies in {@code messages/}: each in a bucket of its own, on S3, with deltas that real Chroma wrote. */
class MessagesAtWorkTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String RUN = "run-1763226888-word";
    private static final String CHUNKS = "intermediate/" + RUN + "/chunk-";

    private static S3Client client;
    private static S3ObjectStores stores;

    @TempDir
    Path scratch;

    private String bucket;
    private Workplace work;

    @BeforeAll
    static void connect() {
        var servers = TestServers.shared();
        client = S3Client.builder()
                .endpointOverride(servers.s3Endpoint())
                .region(Region.of(servers.region()))
                .forcePathStyle(true)
                .credentialsProvider(TestServers.CREDENTIALS)
                .build();
        stores = new S3ObjectStores(S3Settings.at(servers.s3Endpoint(), servers.region()), TestServers.CREDENTIALS);
    }

    @AfterAll
    static void disconnect() {
        stores.close();
        client.close();
    }

    @BeforeEach
    void open_a_bucket() {
        bucket = "messages-" + UUID.randomUUID();
        client.createBucket(r -> r.bucket(bucket));
        work = new Workplace(stores.bucket(bucket), scratch);
    }

    private record Example(String body, Map<String, String> attributes, JsonNode expect) {}

    /** Reads an example and puts into the bucket what it says lies there. */
    private Example example(String name) throws IOException {
        try (InputStream in = getClass().getResourceAsStream("/messages/" + name + ".json")) {
            JsonNode json = JSON.readTree(in);
            for (var file : json.path("s3").properties()) {
                work.store.put(file.getKey(), JSON.writeValueAsBytes(file.getValue()));
            }
            var attributes = new LinkedHashMap<String, String>();
            json.path("attributes")
                    .properties()
                    .forEach(each ->
                            attributes.put(each.getKey(), each.getValue().asText()));
            return new Example(JSON.writeValueAsString(json.get("body")), attributes, json.path("expect"));
        }
    }

    private void delta(String key, String version, String fixture) throws IOException {
        SmallDelta.upload(work.store, key, ChromaFixtures.unpack(version, fixture, work.directory()));
    }

    private static String id(int number) {
        return "words/delta/%032d/".formatted(number);
    }

    /** The intermediate that an earlier message made. */
    private void chunk(int index, String version, String fixture) throws IOException {
        String key = "words/delta/before-" + index + "/";
        delta(key, version, fixture);
        work.done(StageMessages.processChunk(
                RUN, index, "words", List.of(new Message.DeltaRef(null, key, "words", null, null))));
    }

    private void nothingPublished(String database) {
        assertThat(work.catalog(database).live()).isEqualTo(new Live.None());
    }

    private Manifest.Collection only(String database) {
        assertThat(work.digestOfFiles(database)).isEqualTo(work.digest(database));
        List<Manifest.Collection> collections = work.live(database).contents().collections();
        assertThat(collections).hasSize(1);
        return collections.getFirst();
    }

    private void publish(String batch, String database, String... prefixes) {
        var body = JSON.createObjectNode()
                .put("operation", "final_merge")
                .put("batch_id", batch)
                .put("database", database);
        for (String prefix : prefixes) {
            body.withArray("chunk_results").addObject().put("intermediate_key", prefix);
        }
        work.done(body.toString());
    }

    /** Poll results come back in the receipt of the batch and in the event. */
    private void pollResultsCameBack() {
        var poll = Objects.requireNonNull(work.published(RUN).pollResults());
        assertThat(poll.key()).isEqualTo("poll_results/" + RUN + "/poll_results.json");
        assertThat(poll.bucket()).isEqualTo("demo-chroma");
    }

    private JsonNode onlyEvent() {
        assertThat(work.events).hasSize(1);
        JsonNode event = work.events.getFirst();
        assertThat(event.path("event").asText()).isEqualTo("batch_published");
        assertThat(event.path("batch_id").asText()).isEqualTo(RUN);
        assertThat(event.path("poll_results_s3_key").asText()).isEqualTo("poll_results/" + RUN + "/poll_results.json");
        assertThat(event.path("poll_results_s3_bucket").asText()).isEqualTo("demo-chroma");
        return event;
    }

    @Test
    void final_merge_empties_publishes_the_one_good_chunk_and_excuses_nothing() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        work.done(example("final_merge-empties").body());

        assertThat(only("words").count()).isEqualTo(60);
        assertThat(work.live("words").lineage().excused()).isEmpty();
        assertThat(work.published(RUN).excused()).isEmpty();
        pollResultsCameBack();
        assertThat(onlyEvent().path("excused")).isEmpty();
    }

    @Test
    void final_merge_one_failed_publishes_and_names_the_failed_one() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        work.done(example("final_merge-one-failed").body());

        assertThat(only("words").count()).isEqualTo(60);
        assertThat(work.live("words").lineage().excused()).singleElement().satisfies(excuse -> {
            assertThat(excuse.chunk().belongsTo(RUN)).isTrue();
            assertThat(excuse.message()).contains("unable to open database file");
        });
        assertThat(work.published(RUN).excused()).hasSize(1);
        assertThat(onlyEvent().path("excused")).hasSize(1);
    }

    @Test
    void final_merge_seed_date_folds_two_groups() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        chunk(1, "1.5.9", "persisted");
        for (int group = 0; group < 2; group++) {
            work.done(
                    "{\"operation\":\"merge_chunk_group\",\"batch_id\":\"%s-group-%d\",\"group_index\":%d,\"chunk_group\":[\"%s%d/\"],\"database\":\"words\"}"
                            .formatted(RUN, group, group, CHUNKS, group));
        }
        work.done(example("final_merge-seed-date").body());

        assertThat(only("words").count()).isEqualTo(60 + 1250);
        assertThat(work.live("words").lineage().names()).contains(ChunkName.of(RUN, 0), ChunkName.of(RUN, 1));
        assertThat(work.live("words").lineage().inputs())
                .extracting(input -> input.key())
                .containsExactlyInAnyOrder("words/delta/before-0/", "words/delta/before-1/");
        pollResultsCameBack();
        JsonNode event = onlyEvent();
        assertThat(event.path("total_embeddings").asLong()).isEqualTo(60 + 1250);
        assertThat(event.path("snapshot_embeddings").asLong()).isEqualTo(60 + 1250);
        assertThat(event.path("version").asText()).isEqualTo(work.live("words").version());
        assertThat(event.path("snapshot_key").asText())
                .isEqualTo("words/snapshot/timestamped/" + work.live("words").version() + "/");
    }

    @Test
    void final_merge_all_is_the_same() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        chunk(1, "1.5.9", "persisted");
        work.done(example("final_merge_all-head").body());

        assertThat(only("words").count()).isEqualTo(60 + 1250);
        assertThat(work.live("words").lineage().names())
                .containsExactlyInAnyOrder(ChunkName.of(RUN, 0), ChunkName.of(RUN, 1));
        pollResultsCameBack();
        assertThat(onlyEvent().path("total_embeddings").asLong()).isEqualTo(60 + 1250);
    }

    @Test
    void final_merge_single_with_null_is_done_and_publishes_nothing() throws IOException {
        work.done(example("final_merge_single-null").body());

        nothingPublished("words");
        assertThat(work.published(RUN).version()).isNull();
        pollResultsCameBack();
        assertThat(work.store.list("words/")).isEmpty();
    }

    @Test
    void merge_chunk_group_puts_its_output_where_the_predecessor_does() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        chunk(1, "1.5.9", "persisted");
        Example example = example("merge_chunk_group-inline");
        work.done(example.body());

        Receipt receipt = work.group(RUN + "-group-0", 0);
        assertThat(Objects.requireNonNull(receipt.intermediate()).key())
                .isEqualTo(example.expect().path("intermediate_key").asText() + "chroma.sqlite3");
        assertThat(receipt.records()).isEqualTo(60 + 1250);
        String batch = example.expect().path("belongs_to_batch").asText();
        assertThat(receipt.covers()).contains(ChunkName.of(batch, 0), ChunkName.of(batch, 1));
        nothingPublished("words");
    }

    @Test
    void merge_chunk_group_by_reference_takes_an_empty_chunk_for_no_failure() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        chunk(1, "1.5.9", "small_wal");
        work.done(example("merge_chunk_group-s3").body());

        Receipt receipt = work.group(RUN + "-group-1", 1);
        assertThat(receipt.status()).isEqualTo(Receipt.Status.DONE);
        assertThat(receipt.inputs()).extracting(Receipt.Input::key).containsExactly(CHUNKS + "1/");
        assertThat(work.has("intermediate/" + RUN + "-group-1-group-1/merged/chroma.sqlite3"))
                .isTrue();
    }

    @Test
    void merge_chunk_group_with_a_failed_chunk_is_never_merged_as_if_whole() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        Failure failure =
                work.refused(example("merge_chunk_group-with-failed-chunk").body());

        assertThat(failure.reason()).isEqualTo("incomplete");
        assertThat(failure.message()).contains("unable to open database file", "chunk_index 1");
        assertThat(work.group(RUN + "-group-0", 0).status()).isEqualTo(Receipt.Status.FAILED);
        assertThat(work.store.list("intermediate/" + RUN + "-group-0")).isEmpty();
    }

    @Test
    void merge_pair_is_a_group_merge() throws IOException {
        chunk(0, "1.5.9", "small_wal");
        chunk(1, "1.5.9", "persisted");
        Example example = example("merge_pair");
        work.done(example.body());

        assertThat(work.has(example.expect().path("intermediate_key").asText() + "chroma.sqlite3"))
                .isTrue();
        assertThat(work.group(RUN + "-r1", 0).records()).isEqualTo(60 + 1250);
    }

    @Test
    void process_chunk_of_a_bare_prefix_is_refused() throws IOException {
        delta("words/delta/abc/", "1.5.9", "small_wal");
        Failure failure = work.refused(example("process_chunk-bare-prefix").body());

        assertThat(failure.message()).contains("delta_results[0]", "delta_key", "words/delta/");
        assertThat(work.store.list("intermediate/")).isEmpty();
    }

    @Test
    void process_chunk_with_chunk_indices_makes_one_intermediate_that_a_final_merge_takes() throws IOException {
        delta(id(4), "1.5.9", "small_wal");
        delta(id(5), "1.5.9", "persisted");
        Example example = example("process_chunk-chunk_indices");
        work.done(example.body());

        String prefix = example.expect().path("intermediate_key").asText();
        assertThat(work.has(prefix + "chroma.sqlite3")).isTrue();
        for (int index : List.of(4, 5)) {
            assertThat(Objects.requireNonNull(work.chunk(RUN, index).intermediate())
                            .key())
                    .isEqualTo(prefix + "chroma.sqlite3");
            assertThat(work.chunk(RUN, index).inputs()).hasSize(1);
        }
        assertThat(work.chunk(RUN, 6).intermediate()).isNull();
        assertThat(work.chunk(RUN, 6).status()).isEqualTo(Receipt.Status.DONE);

        publish(RUN, "words", prefix);
        assertThat(only("words").count()).isEqualTo(60 + 1250);
    }

    @Test
    void process_chunk_without_deltas_is_done_and_says_empty() throws IOException {
        work.done(example("process_chunk-empty").body());

        assertThat(work.chunk(RUN, 2).status()).isEqualTo(Receipt.Status.DONE);
        assertThat(work.chunk(RUN, 2).intermediate()).isNull();
        assertThat(work.store.list("intermediate/")).isEmpty();
    }

    @Test
    void process_chunk_without_a_batch_is_refused_naming_the_field() throws IOException {
        delta(id(1), "1.5.9", "small_wal");
        Failure failure = work.refused(example("process_chunk-no-batch").body());

        assertThat(failure.reason()).isEqualTo("missing-field");
        assertThat(failure.message()).contains("batch_id");
        assertThat(work.store.list("batches/")).isEmpty();
    }

    @Test
    void process_chunk_renames_the_one_collection_of_a_delta() throws IOException, SQLException {
        Path directory = ChromaFixtures.unpack("1.5.9", "small_wal", work.directory());
        try (var database = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("chroma.sqlite3"));
                var statement = database.createStatement()) {
            statement.execute("UPDATE collections SET name = 'receipt_lines'");
        }
        SmallDelta.upload(work.store, "lines/delta/00000000000000000000000000000009/", directory);
        work.done(example("process_chunk-rename-lines").body());
        publish("run-2-line", "lines", "intermediate/run-2-line/chunk-0/");

        assertThat(only("lines").name()).isEqualTo("lines");
        assertThat(only("lines").count()).isEqualTo(60);
        // 109 were declared: a warning, never a refusal.
        assertThat(work.chunk("run-2-line", 0).warnings())
                .singleElement()
                .asString()
                .contains("109", "60");
    }

    @Test
    void process_chunk_by_reference_without_delta_results_ignores_embedded_items() throws IOException {
        delta(id(1), "1.5.9", "persisted");
        delta(id(2), "1.5.9", "small_wal");
        work.done(example("process_chunk-s3-head").body());

        assertThat(work.chunk(RUN, 1).inputs()).extracting(Receipt.Input::key).containsExactly(id(2));
        assertThat(work.chunk(RUN, 1).records()).isEqualTo(60);
        assertThat(work.has(CHUNKS + "1/chroma.sqlite3")).isTrue();
    }

    @Test
    void process_chunk_that_the_file_does_not_know_is_refused_and_never_empty() throws IOException {
        delta(id(1), "1.5.9", "small_wal");
        Failure failure = work.refused(example("process_chunk-s3-index-missing").body());

        assertThat(failure.reason()).isEqualTo("chunk-not-found");
        assertThat(failure.message()).contains("7");
        assertThat(work.chunk(RUN, 7).status()).isEqualTo(Receipt.Status.FAILED);
        assertThat(work.store.list("intermediate/")).isEmpty();
    }

    @Test
    void process_chunk_by_reference_finds_its_entry_by_value() throws IOException {
        delta(id(3), "1.5.9", "small_wal");
        delta(id(4), "1.5.9", "persisted");
        delta(id(5), "1.5.9", "churn");
        work.done(example("process_chunk-s3-seed-date").body());

        assertThat(work.chunk(RUN, 3).inputs()).extracting(Receipt.Input::key).containsExactlyInAnyOrder(id(3), id(4));
        assertThat(work.chunk(RUN, 3).records()).isEqualTo(60 + 1250);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "gzip"})
    void process_chunk_takes_a_tarball_below_the_prefix(String encoding) throws IOException {
        Path directory = ChromaFixtures.unpack("1.5.9", "small_wal", work.directory());
        client.putObject(
                r -> r.bucket(bucket)
                        .key("words/delta/5a1e0000-run/delta.tar.gz")
                        .contentType("application/gzip")
                        .contentEncoding(encoding.isEmpty() ? null : encoding)
                        .metadata(Map.of("delta_key", "words/delta/5a1e0000-run", "run_id", "5a1e0000-run")),
                RequestBody.fromFile(tarball(directory)));
        work.done(example("process_chunk-tarball").body());

        assertThat(work.chunk(RUN, 0).records()).isEqualTo(60);
        assertThat(work.chunk(RUN, 0).database()).isEqualTo("words");
        publish(RUN, "words", CHUNKS + "0/");
        assertThat(only("words").name()).isEqualTo("words");
    }

    /** As {@code tar -C directory -czf file .} with PAX headers makes it. */
    private Path tarball(Path directory) throws IOException {
        Path file = Files.createTempFile(scratch, "delta", ".tar.gz");
        try (var tar = new TarArchiveOutputStream(new GzipCompressorOutputStream(Files.newOutputStream(file)));
                var all = Files.walk(directory)) {
            tar.setAddPaxHeadersForNonAsciiNames(true);
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (Path path : all.sorted().toList()) {
                String name = directory.relativize(path).toString();
                var entry = new TarArchiveEntry(path.toFile(), name.isEmpty() ? "." : "./" + name);
                entry.addPaxHeader("mtime", "1763226888.123456");
                tar.putArchiveEntry(entry);
                if (Files.isRegularFile(path)) {
                    Files.copy(path, tar);
                }
                tar.closeArchiveEntry();
            }
        }
        return file;
    }

    @Test
    void a_compaction_run_is_a_batch_of_one_delta() throws IOException {
        delta("words/delta/r-77/", "1.5.9", "small_wal");
        Example example = example("sqs-compaction-run");
        assertThat(work.deliver(example.body(), example.attributes())).isInstanceOf(Outcome.Done.class);
        work.drain();

        assertThat(only("words").name()).isEqualTo("words");
        assertThat(only("words").count()).isEqualTo(60);
        assertThat(work.live("words").lineage().inputs())
                .singleElement()
                .satisfies(input -> assertThat(input.key()).isEqualTo("words/delta/r-77/"));
        assertThat(work.store.list("words/open/")).isEmpty();
    }

    @Test
    void a_delta_notification_is_a_batch_of_one_delta() throws IOException {
        delta(id(7), "1.5.9", "small_wal");
        Example example = example("sqs-delta-notification");
        for (int time = 0; time < 2; time++) {
            assertThat(work.deliver(example.body(), example.attributes())).isInstanceOf(Outcome.Done.class);
            work.drain();
        }

        assertThat(only("words").count()).isEqualTo(60);
        assertThat(work.live("words").seq())
                .as("a second notification publishes nothing")
                .isEqualTo(1);
        assertThat(work.live("words").lineage().chunks())
                .singleElement()
                .satisfies(chunk -> assertThat(chunk.name().text()).startsWith("delta-"));
    }

    @Test
    void a_word_label_is_a_dead_letter_that_names_its_entity_type() throws IOException {
        Example example = example("sqs-word-label");
        Failure failure = work.refused(example.body(), example.attributes());

        assertThat(failure.reason()).isEqualTo("stream-message");
        assertThat(failure.message()).contains("RECEIPT_WORD_LABEL");
        assertThat(work.store.list("")).isEmpty();
    }

    @Test
    void an_unknown_operation_is_refused_naming_the_field() throws IOException {
        Failure failure = work.refused(example("unknown-operation").body());

        assertThat(failure.reason()).isEqualTo("unknown-operation");
        assertThat(failure.message()).contains("operation", "split");
        assertThat(work.store.list("")).isEmpty();
    }
}
