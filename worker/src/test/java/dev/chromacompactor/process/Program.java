package dev.chromacompactor.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** {@code bin/compactor} as it was built, in a process of its own, with nothing of this machine's AWS configuration. */
final class Program implements AutoCloseable {
    /** For a worker that was told to stop: a poll under way takes up to 20 seconds. */
    static final Duration STOP = Duration.ofSeconds(40);

    private static final Path HOME = Path.of(Objects.requireNonNull(System.getProperty("compactor.home")));
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final Path out;
    private final Path err;

    private Program(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    /** How a command ended. */
    record Result(int code, String out, String err) {
        /** Standard output, which must be one line of JSON. */
        JsonNode json() {
            assertThat(out).as("standard output; standard error: %s", err).containsOnlyOnce("\n");
            try {
                return JSON.readTree(out);
            } catch (IOException e) {
                throw new UncheckedIOException(out, e);
            }
        }
    }

    /** Runs a command to its end. */
    static Result run(Map<String, String> environment, String... arguments) {
        try (var program = start(environment, arguments)) {
            return program.result();
        }
    }

    static Program start(Map<String, String> environment, String... arguments) {
        return start(List.of(), environment, arguments);
    }

    /** With a limit of open files. */
    static Program startWithFiles(int limit, Map<String, String> environment, String... arguments) {
        return start(List.of("sh", "-c", "ulimit -n " + limit + "; exec \"$0\" \"$@\""), environment, arguments);
    }

    /** With a file system of its own at {@code disk}, which ends with it. */
    static Program startOnDisk(Path disk, String size, Map<String, String> environment, String... arguments) {
        String mount = "mount -t tmpfs -o size=" + size + " tmpfs " + disk + " && exec \"$0\" \"$@\"";
        return start(List.of("unshare", "-rm", "sh", "-c", mount), environment, arguments);
    }

    private static Program start(List<String> before, Map<String, String> environment, String... arguments) {
        var command = new ArrayList<>(before);
        command.add(HOME.resolve("bin/compactor").toString());
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("AWS_") || name.startsWith("COMPACTOR_"));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(environment);
        return start(builder);
    }

    static Program start(ProcessBuilder builder) {
        try {
            var out = Files.createTempFile("compactor-it-", ".out");
            var err = Files.createTempFile("compactor-it-", ".err");
            builder.redirectOutput(out.toFile()).redirectError(err.toFile());
            return new Program(builder.start(), out, err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    String out() {
        return text(out);
    }

    String err() {
        return text(err);
    }

    /** How often the log says so. */
    long says(String what) {
        return err().lines().filter(line -> line.contains(what)).count();
    }

    /** Open descriptors, as the kernel counts them; 0 once it has ended. */
    int descriptors() {
        var names = Path.of("/proc/" + pid() + "/fd").toFile().list();
        return names == null ? 0 : names.length;
    }

    /** What it has computed so far. */
    Duration cpu() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    void signal(String name) {
        try {
            int code = new ProcessBuilder("kill", "-" + name, String.valueOf(pid()))
                    .start()
                    .waitFor();
            assertThat(code).as("kill -%s", name).isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** All deltas of a database, as its batch number one. */
    static void enqueue(Map<String, String> environment, String database, int chunkSize) {
        var result = run(
                environment,
                "enqueue",
                "--database",
                database,
                "--prefix",
                database + "/delta/",
                "--batch",
                database + "-1",
                "--chunk-size",
                String.valueOf(chunkSize));
        assertThat(result.code()).as(result.err()).isZero();
    }

    /** Waits for the end. */
    Result result() {
        int code = await(Backend.PATIENCE);
        return new Result(code, out(), err());
    }

    /** Waits for the end; the exit code. */
    int await(Duration longest) {
        try {
            assertThat(process.waitFor(longest.toMillis(), TimeUnit.MILLISECONDS))
                    .as("ended within %s; it said: %s%s", longest, out(), err())
                    .isTrue();
            return process.exitValue();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        await(Duration.ofSeconds(10));
        Stream.of(out, err).forEach(file -> assertThat(file.toFile().delete()).isTrue());
    }

    private static IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException(e);
    }

    private static String text(Path file) {
        try {
            return Files.readString(file, UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
