package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.embedded.EmbeddedServers;
import dev.chromacompactor.store.ObjectStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** SQS and S3 of one test class, and the commands run against them inside this process. */
final class Stage implements AutoCloseable {
    private final EmbeddedServers servers;
    private final Map<String, String> environment;
    private final Connection connection;

    Stage(Path scratch) {
        this(scratch, _ -> {});
    }

    /** @param more changes what the commands find in their environment */
    Stage(Path scratch, Consumer<Map<String, String>> more) {
        // What the SDK of both services finds first; the embedded servers take any.
        System.setProperty("aws.accessKeyId", "test");
        System.setProperty("aws.secretAccessKey", "test");
        servers = EmbeddedServers.start(0, 0);
        environment = new HashMap<>(DevCommand.environment(servers, servers.createStandardSet()));
        environment.put("COMPACTOR_SCRATCH_DIR", scratch.toString());
        more.accept(environment);
        connection = Connection.open(environment, Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET);
    }

    /** What a command answered. */
    record Ran(int code, String out, String err) {
        JsonNode json() {
            assertThat(out.lines()).as(err).hasSize(1);
            try {
                return JsonMapper.builder().build().readTree(out);
            } catch (JsonProcessingException e) {
                throw new AssertionError(out, e);
            }
        }

        Ran ended(int expected) {
            assertThat(code).as("%s%n%s", out, err).isEqualTo(expected);
            assertThat(err).doesNotContain("\tat ");
            return this;
        }
    }

    Map<String, String> environment() {
        return environment;
    }

    Connection connection() {
        return connection;
    }

    ObjectStore store() {
        return connection.store();
    }

    Ran run(String... args) {
        return run(environment, args);
    }

    static Ran run(Map<String, String> environment, String... args) {
        return run(environment, false, InstantSource.system(), args);
    }

    static Ran run(Map<String, String> environment, boolean terminal, InstantSource clock, String... args) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int code = Compactor.run(
                new Context(
                        environment,
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        terminal,
                        clock),
                args);
        return new Ran(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Uploads a directory that real Chroma wrote. */
    void upload(String fixture, Path scratch, String prefix) throws IOException {
        Path directory = ChromaFixtures.unpack("1.5.9", fixture, Files.createTempDirectory(scratch, fixture));
        for (Path file : files(directory)) {
            store().put(prefix + directory.relativize(file), file);
        }
    }

    static List<Path> files(Path directory) throws IOException {
        try (var all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        }
    }

    @FunctionalInterface
    interface Step {
        void run() throws Exception;
    }

    /** While a worker is at work. */
    void withWorker(Step step) throws Exception {
        try (Scratch scratch = Scratch.below(connection.config().scratchDir(), "worker")) {
            var consumer = Worker.consumer(connection, scratch);
            consumer.start();
            try {
                step.run();
            } finally {
                var _ = consumer.stop(Duration.ofSeconds(10));
            }
        }
    }

    @Override
    public void close() {
        connection.close();
        servers.close();
    }
}
