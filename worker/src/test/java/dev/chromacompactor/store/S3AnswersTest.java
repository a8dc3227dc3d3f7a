package dev.chromacompactor.store;

import static dev.chromacompactor.store.ObjectStoreContract.assertFails;
import static dev.chromacompactor.store.ObjectStoreContract.bytes;
import static dev.chromacompactor.store.ObjectStoreContract.leftIn;
import static dev.chromacompactor.store.ScriptedS3.body;
import static dev.chromacompactor.store.ScriptedS3.cutOff;
import static dev.chromacompactor.store.ScriptedS3.hangUp;
import static dev.chromacompactor.store.ScriptedS3.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.store.PutOutcome.Lost;
import dev.chromacompactor.store.PutOutcome.Unknown;
import dev.chromacompactor.store.PutOutcome.Won;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/** Every answer that S3 may give, as the store reads it. */
class S3AnswersTest {
    private static final Map<String, String> OBJECT = Map.of(
            "ETag", "\"abc\"",
            "Last-Modified", "Tue, 24 Nov 2026 08:00:00 GMT");

    private ScriptedS3 s3;
    private S3ObjectStores stores;

    @TempDir
    Path directory;

    @BeforeEach
    void start() throws IOException {
        s3 = new ScriptedS3();
        stores = new S3ObjectStores(S3Settings.at(s3.endpoint(), "us-east-1"), TestServers.CREDENTIALS);
    }

    @AfterEach
    void stop() {
        stores.close();
        s3.close();
    }

    private ObjectStore store() {
        return stores.bucket("bucket");
    }

    @Test
    void a_conditional_write_carries_its_condition_with_the_etag_in_quotes() {
        s3.then(body(200, Map.of("ETag", "\"new\""), "")).then(body(200, Map.of("ETag", "\"newer\""), ""));
        assertThat(store().putIfAbsent("key", bytes("1"))).isEqualTo(new Won("new"));
        assertThat(store().putIfMatch("key", bytes("2"), "new")).isEqualTo(new Won("newer"));
        assertThat(s3.seen().get(0).header("If-none-match")).containsExactly("*");
        assertThat(s3.seen().get(1).header("If-match")).containsExactly("\"new\"");
    }

    @Test
    void every_write_carries_a_checksum_that_s3_compares_with_what_arrived() {
        var written = body(200, Map.of("ETag", "\"new\""), "");
        s3.then(written).then(written);
        store().put("key", bytes("123456789"));
        store().putIfAbsent("key", bytes("123456789"));
        assertThat(s3.seen())
                .allSatisfy(
                        request -> assertThat(request.header("X-amz-trailer")).containsExactly("x-amz-checksum-crc32"));
    }

    @ParameterizedTest
    @CsvSource({
        "412, PreconditionFailed, LOST",
        "409, ConditionalRequestConflict, UNKNOWN",
        "500, InternalError, UNKNOWN",
        "503, SlowDown, UNKNOWN",
        "504, GatewayTimeout, UNKNOWN",
        "429, TooManyRequests, UNKNOWN",
        "400, RequestTimeout, UNKNOWN",
        "403, AccessDenied, s3-access-denied",
        "400, ExpiredToken, s3-access-denied",
        "404, NoSuchBucket, s3-bucket-missing",
        "400, AuthorizationHeaderMalformed, s3-wrong-region",
        "400, InvalidArgument, s3-refused",
    })
    void a_conditional_write_is_sent_once_whatever_is_answered(int status, String code, String expected) {
        s3.then(status(status, code)).then(status(status, code));
        assertOutcome(expected, () -> store().putIfAbsent("key", bytes("1")));
        assertThat(s3.seen()).hasSize(1);
        assertOutcome(expected, () -> store().putIfMatch("key", bytes("1"), "etag"));
        assertThat(s3.seen()).hasSize(2);
    }

    private static void assertOutcome(String expected, Supplier<PutOutcome> write) {
        switch (expected) {
            case "LOST" -> assertThat(write.get()).isEqualTo(new Lost());
            case "UNKNOWN" -> assertThat(write.get()).isInstanceOf(Unknown.class);
            default -> assertFails(() -> assertThat(write.get()).isNull(), Blame.DEPENDENCY, expected);
        }
    }

    @Test
    void if_match_on_a_missing_key_is_lost() {
        s3.then(status(404, "NoSuchKey"));
        assertThat(store().putIfMatch("key", bytes("1"), "etag")).isEqualTo(new Lost());
    }

    @Test
    void a_write_whose_answer_is_lost_is_unknown_and_not_repeated() {
        // Repeated, it would meet its own object and call itself lost.
        s3.then(hangUp()).then(status(412, "PreconditionFailed"));
        assertThat(store().putIfAbsent("key", bytes("1"))).isInstanceOf(Unknown.class);
        assertThat(s3.seen()).hasSize(1);
    }

    @Test
    void nobody_listening_is_unknown_for_a_conditional_write_and_a_failure_otherwise() {
        s3.close();
        assertThat(store().putIfMatch("key", bytes("1"), "etag")).isInstanceOf(Unknown.class);
        assertFails(() -> store().put("key", bytes("1")), Blame.DEPENDENCY, "s3-unreachable");
    }

    @Test
    void a_plain_call_is_tried_three_times() {
        s3.then(status(503, "SlowDown")).then(hangUp()).then(body(200, OBJECT, "hello"));
        assertThat(store().read("key").orElseThrow().bytes()).isEqualTo(bytes("hello"));
        assertThat(s3.seen()).hasSize(3);

        s3.then(status(503, "SlowDown")).then(status(503, "SlowDown")).then(status(503, "SlowDown"));
        assertFails(() -> store().read("key"), Blame.DEPENDENCY, "s3-throttled");
        assertThat(s3.seen()).hasSize(6);
    }

    @Test
    void a_conflict_at_the_end_of_an_upload_in_parts_is_unknown_and_the_upload_aborted() throws IOException {
        var file = Files.write(directory.resolve("large"), new byte[65 << 20]);
        s3.then(body(200, Map.of(), "<R><UploadId>u1</UploadId></R>".replace("R>", "InitiateMultipartUploadResult>")));
        for (int part = 0; part < 5; part++) {
            s3.then(body(200, Map.of("ETag", "\"p\""), ""));
        }
        s3.then(status(409, "ConditionalRequestConflict")).then(body(204, Map.of(), ""));

        assertThat(store().putIfAbsent("key", file)).isInstanceOf(Unknown.class);

        var end = s3.seen().subList(6, s3.seen().size());
        assertThat(end).extracting(ScriptedS3.Seen::method).containsExactly("POST", "DELETE");
        assertThat(end.getFirst().header("If-none-match")).containsExactly("*");
        assertThat(end.getLast().path()).contains("uploadId=u1");
    }

    @Test
    void an_error_inside_a_200_is_unknown() throws IOException {
        var file = Files.write(directory.resolve("large"), new byte[65 << 20]);
        s3.then(body(200, Map.of(), "<R><UploadId>u1</UploadId></R>".replace("R>", "InitiateMultipartUploadResult>")));
        for (int part = 0; part < 5; part++) {
            s3.then(body(200, Map.of("ETag", "\"p\""), ""));
        }
        s3.then(status(200, "InternalError")).then(body(204, Map.of(), ""));
        assertThat(store().putIfAbsent("key", file)).isInstanceOf(Unknown.class);
    }

    @Test
    void an_altered_body_is_doubtful_and_leaves_nothing() throws IOException {
        var headers = Map.of(
                "ETag", "\"abc\"",
                "Last-Modified", "Tue, 24 Nov 2026 08:00:00 GMT",
                "x-amz-checksum-crc32", "AAAAAA==",
                "x-amz-checksum-type", "FULL_OBJECT");
        for (int attempt = 0; attempt < 3; attempt++) {
            s3.then(body(200, headers, "altered"));
        }
        assertFails(() -> store().download("key", "abc", directory.resolve("a")), Blame.DOUBTFUL, "download-corrupt");
        assertThat(leftIn(directory)).isEmpty();

        for (int attempt = 0; attempt < 3; attempt++) {
            s3.then(body(200, headers, "altered"));
        }
        assertFails(() -> store().read("key"), Blame.DOUBTFUL, "download-corrupt");

        s3.then(body(200, headers, "altered"));
        try (var stream = store().open("key").orElseThrow()) {
            assertFails(() -> readAll(stream), Blame.DOUBTFUL, "download-corrupt");
        }
    }

    private static void readAll(InputStream stream) {
        try {
            stream.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "words/snapshot/latest-pointer.txt, text/plain",
        "batches/b/plan.json, application/json",
        "intermediate/b/chunk-0/chroma.sqlite3, application/octet-stream"
    })
    void an_object_says_what_it_is_however_it_is_written(String key, String type) throws IOException {
        var file = Files.writeString(directory.resolve("file"), "1");
        for (int write = 0; write < 5; write++) {
            s3.then(body(200, Map.of("ETag", "\"new\""), ""));
        }
        store().put(key, bytes("1"));
        store().put(key, file);
        store().putIfAbsent(key, bytes("1"));
        store().putIfAbsent(key, file);
        store().putIfMatch(key, bytes("1"), "old");

        assertThat(s3.seen())
                .hasSize(5)
                .allSatisfy(r -> assertThat(r.header("Content-type")).containsExactly(type));
    }

    @Test
    void a_body_cut_off_is_fetched_again_from_the_start() throws IOException {
        s3.then(cutOff(OBJECT, 11, "hello")).then(body(200, OBJECT, "hello world"));
        var info = store().download("key", "abc", directory.resolve("a"));
        assertThat(directory.resolve("a")).hasContent("hello world");
        assertThat(info.size()).isEqualTo(11);
        assertThat(s3.seen()).allSatisfy(r -> assertThat(r.header("If-match")).containsExactly("\"abc\""));
    }

    @Test
    void a_connection_that_always_breaks_is_the_stores_fault_and_leaves_nothing() throws IOException {
        for (int attempt = 0; attempt < 3; attempt++) {
            s3.then(cutOff(OBJECT, 11, "hello"));
        }
        assertFails(() -> store().download("key", "abc", directory.resolve("a")), Blame.DEPENDENCY, "s3-unreachable");
        assertThat(leftIn(directory)).isEmpty();
    }

    @Test
    void keys_that_could_not_be_deleted_are_named() {
        s3.then(body(
                200, Map.of(), "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code></Error></DeleteResult>"));
        assertFails(() -> store().delete(List.of("a", "b")), Blame.DEPENDENCY, "s3-access-denied");
    }

    @Test
    void a_full_disk_is_this_machines_fault() {
        Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/full")));
        var download = new Download("download s3://bucket/key", Path.of("/dev/full.target"), Path.of("/dev/full"));
        var response = GetObjectResponse.builder().contentLength(5L).build();
        assertFails(
                () -> download.receive(response, new ByteArrayInputStream(bytes("hello"))), Blame.NODE, "disk-full");
    }
}
