package dev.chromacompactor.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bin/prepare} keeps makes a start cheaper and changes nothing else, whether it fits or not. */
class StartIT {
    private static final Path HOME = Path.of(Objects.requireNonNull(System.getProperty("compactor.home")));
    private static final String INCUBATOR = "WARNING: Using incubator modules: jdk.incubator.vector\n";

    @TempDir
    Path temporary;

    private Path copy() throws IOException {
        Path copy = temporary.resolve("a copy");
        try (Stream<Path> all = Files.walk(HOME)) {
            for (Path each : (Iterable<Path>) all::iterator) {
                // With its time: a class archive is for jars of one time.
                Files.copy(each, copy.resolve(HOME.relativize(each)), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        return copy;
    }

    private static Program.Result run(Path home, String javaOptions, String... arguments) throws IOException {
        var command = Stream.concat(Stream.of(home.resolve("bin/compactor").toString()), Stream.of(arguments));
        var builder = new ProcessBuilder(command.toList());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("COMPACTOR_JAVA_OPTS", javaOptions);
        try (var program = Program.start(builder)) {
            return program.result();
        }
    }

    private Program.Result merge(Path home, String out) throws IOException {
        var delta = home.resolve("demo/monday.tar.gz").toString();
        return run(home, "", "merge", "--out", temporary.resolve(out).toString(), "--json", delta);
    }

    @Test
    void a_question_is_answered_with_nothing_on_standard_error() {
        for (var question : List.of("--help", "--version", "help")) {
            var answer = Program.run(Map.of(), question);

            assertThat(answer.code()).isZero();
            assertThat(answer.out()).startsWith(question.equals("--version") ? "compactor " : "Usage: compactor ");
            assertThat(answer.err()).isEmpty();
        }
    }

    @Test
    void a_start_uses_the_classes_that_were_kept() throws IOException {
        var told = run(HOME, "-Xlog:class+load", "--help");

        assertThat(told.out()).contains("dev.chromacompactor.cli.Commands source: shared objects file (top)");
    }

    @Test
    void an_archive_that_is_damaged_or_for_other_jars_or_another_JVM_or_not_there_changes_nothing() throws IOException {
        Path copy = copy();
        Path archive = copy.resolve("lib/start.jsa");
        byte[] whole = Files.readAllBytes(archive);
        var expected = merge(copy, "expected");
        assertThat(expected.code()).as(expected.err()).isZero();
        assertThat(expected.err()).isEqualTo(INCUBATOR);

        Map<String, byte[]> contents = Map.of(
                "half", Arrays.copyOf(whole, whole.length / 2),
                "nothing", new byte[0],
                "text", "no archive\n".getBytes(US_ASCII),
                "another JVM's", ofAnotherJvm(whole));
        for (var each : contents.entrySet()) {
            Files.write(archive, each.getValue());
            assertSame(expected, merge(copy, each.getKey()));
        }
        Files.write(archive, whole);
        Files.setLastModifiedTime(copy.resolve("lib/compactor.jar"), FileTime.fromMillis(1_000_000_000_000L));
        assertSame(expected, merge(copy, "other jars"));
        Files.delete(archive);
        assertSame(expected, merge(copy, "none"));
    }

    /** Its header names the version of the JVM that wrote it. */
    private static byte[] ofAnotherJvm(byte[] archive) {
        String version = System.getProperty("java.vm.version");
        int place = new String(archive, 0, 4096, ISO_8859_1).indexOf(version);
        assertThat(place).isPositive();
        byte[] other = archive.clone();
        Arrays.fill(other, place, place + version.length(), (byte) '9');
        return other;
    }

    private static void assertSame(Program.Result expected, Program.Result merged) {
        assertThat(merged.err()).isEqualTo(expected.err());
        assertThat(merged.code()).isZero();
        var content = (ObjectNode) merged.json();
        assertThat(content.without(List.of("directory")).toString())
                .isEqualTo(((ObjectNode) expected.json())
                        .without(List.of("directory"))
                        .toString());
    }
}
