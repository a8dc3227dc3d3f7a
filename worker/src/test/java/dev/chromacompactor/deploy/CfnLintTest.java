package dev.chromacompactor.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.realchroma.PythonEnvironment;
import dev.chromacompactor.realchroma.PythonEnvironment.UnavailableException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** cfn-lint knows every property of every resource, and what may be in it. */
class CfnLintTest {
    private static Path python = Path.of("python3");

    @TempDir
    private Path directory;

    @BeforeAll
    static void install() {
        try {
            python = PythonEnvironment.of("cfn-lint");
        } catch (UnavailableException e) {
            var why = "cfn-lint is not to be had here: " + e.getMessage();
            if ("true".equals(System.getenv("CI"))) {
                throw new AssertionError(why, e);
            }
            throw new TestAbortedException(why, e);
        }
    }

    @Test
    void it_finds_nothing_in_the_template() throws Exception {
        assertThat(findings(Template.FILE)).isEmpty();
    }

    @Test
    void it_would_find_a_property_that_is_not_there() throws Exception {
        var broken = directory.resolve("broken.yaml");
        Files.writeString(
                broken, Files.readString(Template.FILE).replace("ReadonlyRootFilesystem:", "ReadOnlyRootFilesystem:"));

        assertThat(findings(broken)).contains("E3002", "ReadOnlyRootFilesystem");
    }

    private static String findings(Path template) throws Exception {
        var lint = new ProcessBuilder(python.resolveSibling("cfn-lint").toString(), template.toString())
                .redirectErrorStream(true)
                .start();
        var said = new String(lint.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(lint.waitFor() == 0).as(said).isEqualTo(said.isBlank());
        return said;
    }
}
