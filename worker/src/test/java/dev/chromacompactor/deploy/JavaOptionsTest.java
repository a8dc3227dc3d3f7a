package dev.chromacompactor.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The image has no start script: what that gives the JVM of a worker stands a second time in its {@code java.options}. */
class JavaOptionsTest {
    private static final Path IMAGE = Path.of("..", "deploy", "image", "java.options");
    private static final Path SCRIPT = Path.of("src", "main", "dist", "bin", "compactor");

    @TempDir
    private Path home;

    @Test
    void a_worker_in_the_image_gets_all_options_that_the_start_script_gives_one() throws Exception {
        assertThat(ofImage()).containsAll(ofWorker());
    }

    @Test
    void its_code_is_compiled_by_no_other_options() throws Exception {
        assertThat(ofImage().stream().filter(JavaOptionsTest::compiles))
                .containsExactlyElementsOf(
                        ofWorker().stream().filter(JavaOptionsTest::compiles).toList());
    }

    private static boolean compiles(String option) {
        return option.matches("-XX:(Compile|Tier|[+-]Tiered).*");
    }

    private static List<String> ofImage() throws IOException {
        return Files.readAllLines(IMAGE).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .flatMap(line -> Arrays.stream(line.split(" ")))
                .toList();
    }

    /** Before those that say where it lies. */
    private List<String> ofWorker() throws Exception {
        Path bin = Files.createDirectories(home.resolve("bin"));
        Files.copy(SCRIPT, bin.resolve("compactor"));
        program(bin.resolve("find-java"), "echo '" + home + "'");
        program(bin.resolve("java"), "printf '%s\\n' \"$@\"");
        var script = new ProcessBuilder("sh", bin.resolve("compactor").toString(), "worker").redirectErrorStream(true);
        script.environment().remove("COMPACTOR_JAVA_OPTS");
        var process = script.start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said.lines().takeWhile(word -> !word.startsWith("-D")).toList();
    }

    private static void program(Path file, String line) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + line + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
