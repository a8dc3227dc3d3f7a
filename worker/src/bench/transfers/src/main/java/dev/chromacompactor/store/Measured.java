package dev.chromacompactor.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.http.crt.AwsCrtHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Moves the same bytes to and from one server in several ways, each as often as told, one after the other in every round.
 * Prints a line for each: way, what, seconds, CPU seconds of this process. Arguments: endpoint, bucket, directory, rounds.
 */
public final class Measured {
    private static final long LARGE = 300L << 20;
    private static final int DELTAS = 40;
    /** Files of a delta of 370 records of 1536 dimensions, as Chroma leaves them. */
    private static final int[] DELTA = {3_813_376, 628_400, 100, 400, 0};

    private interface Move {
        void move() throws Exception;
    }

    private final Path large;
    private final List<Path> small = new ArrayList<>();
    private final Path directory;
    private final String bucket;
    private final Map<String, Move> moves = new LinkedHashMap<>();

    private Measured(Path directory, String bucket) throws IOException {
        this.directory = directory;
        this.bucket = bucket;
        large = written(directory.resolve("large"), LARGE);
        for (int delta = 0; delta < DELTAS; delta++) {
            for (int file = 0; file < DELTA.length; file++) {
                small.add(written(directory.resolve("delta-" + delta + "-" + file), DELTA[file]));
            }
        }
    }

    private static Path written(Path file, long size) throws IOException {
        var random = new Random(size);
        var block = new byte[1 << 20];
        try (var out = Files.newOutputStream(file)) {
            for (long left = size; left > 0; left -= block.length) {
                random.nextBytes(block);
                out.write(block, 0, (int) Math.min(block.length, left));
            }
        }
        return file;
    }

    public static void main(String[] arguments) throws Exception {
        var endpoint = URI.create(arguments[0]);
        var measured = new Measured(Path.of(arguments[2]), arguments[1]);
        var clients = Map.<String, SdkHttpClient>of(
                "apache5", Apache5HttpClient.builder().maxConnections(128).build(),
                "crt-http", AwsCrtHttpClient.builder().maxConcurrency(128).build(),
                "url-connection", UrlConnectionHttpClient.create());
        clients.forEach((name, http) -> measured.sync(name, S3Client.builder()
                .httpClient(http)
                .forcePathStyle(true)
                .endpointOverride(endpoint)
                .build()));
        measured.crt(S3AsyncClient.crtBuilder()
                .forcePathStyle(true)
                .endpointOverride(endpoint)
                // It does not understand how the embedded server answers to the begin of an upload in parts.
                .thresholdInBytes(2 * LARGE)
                .build());
        int rounds = Integer.parseInt(arguments[3]);
        for (int round = 0; round <= rounds; round++) {
            for (var each : measured.moves.entrySet()) {
                long cpu = cpu();
                long begun = System.nanoTime();
                try {
                    each.getValue().move();
                } catch (Exception e) {
                    System.err.println(each.getKey() + ": " + e);
                    continue;
                }
                System.out.printf(
                        "%d,%s,%.3f,%.3f%n", round, each.getKey(), (System.nanoTime() - begun) / 1e9, (cpu() - cpu) / 1e9);
            }
        }
        System.exit(0);
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private void sync(String name, S3Client client) {
        var store = new S3ObjectStore(client, client, bucket);
        moves.put("plain " + name + ",put large", () -> plainPut(client, large));
        moves.put("ours " + name + ",put large", () -> store.putIfAbsent("ours/" + UUID.randomUUID(), large));
        moves.put("plain " + name + ",get large", () -> plainGet(client, large));
        moves.put("ours " + name + ",get large", () -> ourGet(store, large));
        moves.put("plain " + name + ",put deltas", () -> Transfers.each(small, file -> plainPut(client, file)));
        moves.put("ours " + name + ",put deltas", () -> Transfers.each(small, file -> store.putIfAbsent("ours/" + UUID.randomUUID(), file)));
        moves.put("plain " + name + ",get deltas", () -> Transfers.each(small, file -> plainGet(client, file)));
        moves.put("ours " + name + ",get deltas", () -> Transfers.each(small, file -> ourGet(store, file)));
    }

    private void crt(S3AsyncClient client) {
        moves.put("plain crt-s3,put large", () -> crtPut(client, large));
        moves.put("plain crt-s3,get large", () -> crtGet(client, large));
        moves.put("plain crt-s3,put deltas", () -> Transfers.each(small, file -> crtPut(client, file)));
        moves.put("plain crt-s3,get deltas", () -> Transfers.each(small, file -> crtGet(client, file)));
    }

    private String key(Path file) {
        return "plain/" + file.getFileName();
    }

    private Object plainPut(S3Client client, Path file) {
        return client.putObject(r -> r.bucket(bucket).key(key(file)), RequestBody.fromFile(file));
    }

    private Object plainGet(S3Client client, Path file) {
        var target = target();
        var answer = client.getObject(r -> r.bucket(bucket).key(key(file)), target);
        return gone(target, answer);
    }

    private Object ourGet(S3ObjectStore store, Path file) {
        var target = target();
        return gone(target, store.download(key(file), null, target));
    }

    private Object crtPut(S3AsyncClient client, Path file) {
        return client.putObject(r -> r.bucket(bucket).key(key(file)), AsyncRequestBody.fromFile(file)).join();
    }

    private Object crtGet(S3AsyncClient client, Path file) {
        var target = target();
        return gone(target, client.getObject(r -> r.bucket(bucket).key(key(file)), AsyncResponseTransformer.toFile(target)).join());
    }

    private Path target() {
        return directory.resolve(UUID.randomUUID().toString());
    }

    private static Object gone(Path target, Object answer) {
        try {
            Files.delete(target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return answer;
    }
}
