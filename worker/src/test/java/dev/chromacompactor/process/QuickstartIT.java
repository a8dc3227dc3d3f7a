package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.realchroma.RealChroma;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Does what {@code docs/quickstart.md} tells people to do, and compares with what it says will be seen. A block of commands is marked by
 * the word behind {@code ```sh}: {@code once} is done by the build of these tests; {@code dev} and {@code worker} go on in
 * terminals of their own; {@code run} is run to its end. In the block of output behind it, {@code …} stands for what differs each time.
 */
class QuickstartIT {
    private static final Path PAGE = Path.of("..", "docs", "quickstart.md");
    private static final Pattern BLOCK =
            Pattern.compile("(?ms)^```sh (\\w+)\\n(.*?)^```$(?:\\n+```text\\n(.*?)^```$)?");
    private static final Pattern EXPORT = Pattern.compile("(?m)^ +export (\\w+)=(.*)$");
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @TempDir
    private Path home;

    @Test
    void every_command_gives_what_the_page_shows() throws Exception {
        var python = RealChroma.newest().python();
        var blocks = BLOCK.matcher(Files.readString(PAGE)).results().toList();
        assertThat(blocks.stream().map(block -> block.group(1)).collect(Collectors.toSet()))
                .containsExactlyInAnyOrder("once", "dev", "worker", "run");
        Files.createSymbolicLink(home.resolve("docs"), ROOT.resolve("docs"));
        try (var dev = Program.start(Map.of(), "dev")) {
            await().atMost(Backend.PATIENCE).until(() -> dev.out().contains("compactor worker"));
            var environment = new HashMap<String, String>();
            EXPORT.matcher(dev.out()).results().forEach(each -> environment.put(each.group(1), each.group(2)));
            shown(only(blocks, "dev"), dev.out());
            try (var worker = Program.start(environment, "worker")) {
                await().atMost(Backend.PATIENCE).until(() -> worker.says("worker started") == 1);
                for (var block : blocks) {
                    if (block.group(1).equals("run")) {
                        shown(block, run(block.group(2), environment, python));
                    }
                }
            }
        }
    }

    private static MatchResult only(Iterable<MatchResult> blocks, String kind) {
        assertThat(blocks).filteredOn(block -> block.group(1).equals(kind)).hasSize(1);
        for (var block : blocks) {
            if (block.group(1).equals(kind)) {
                return block;
            }
        }
        throw new AssertionError(kind);
    }

    private static void shown(MatchResult block, String output) {
        var lines = block.group(3);
        assertThat(lines).as("output shown for %s", block.group(2)).isNotNull();
        for (var line : lines.lines().map(String::strip).toList()) {
            var pattern = Pattern.compile(
                    "(?m)^\\s*" + Pattern.quote(line).replace("…", "\\E.*\\Q") + "\\s*$", Pattern.UNICODE_CASE);
            assertThat(output).as(block.group(2)).containsPattern(pattern);
        }
    }

    private String run(String commands, Map<String, String> environment, Path python)
            throws IOException, InterruptedException {
        var builder = new ProcessBuilder("bash", "-euo", "pipefail", "-c", commands)
                .directory(home.toFile())
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("output").toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("AWS_") || name.startsWith("COMPACTOR_"));
        builder.environment().putAll(environment);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("TMPDIR", home.toString()); // the producer on the page leaves its delta there
        var program = Path.of(System.getProperty("compactor.home")).resolve("bin");
        builder.environment().merge("PATH", program + ":" + python.getParent(), (path, first) -> first + ":" + path);
        var process = builder.start();
        boolean ended = process.waitFor(Backend.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        process.destroyForcibly();
        var output = Files.readString(home.resolve("output"), StandardCharsets.UTF_8);
        assertThat(ended).as("%s ended; it said %s", commands, output).isTrue();
        assertThat(process.exitValue()).as("%s: %s", commands, output).isZero();
        return output;
    }
}
