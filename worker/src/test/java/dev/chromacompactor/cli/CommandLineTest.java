package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class CommandLineTest {
    private static Stage.Ran run(String... args) {
        return Stage.run(Map.of(), args).ended(CommandLine.ExitCode.USAGE);
    }

    @TestFactory
    Stream<DynamicTest> every_command_says_what_it_does_shows_an_example_and_refuses_what_it_does_not_know() {
        List<CommandLine> all = new ArrayList<>();
        collect(Compactor.commandLine(Context.ofProcess(), Commands.all()), all);
        assertThat(all).hasSizeGreaterThan(14);
        return all.stream()
                .map(command -> DynamicTest.dynamicTest(
                        command.getCommandSpec().qualifiedName(), () -> check(command.getCommandSpec())));
    }

    private static void collect(CommandLine command, List<CommandLine> all) {
        all.add(command);
        command.getSubcommands().forEach((name, sub) -> {
            if (!name.equals("help")) {
                collect(sub, all);
            }
        });
    }

    private static void check(CommandLine.Model.CommandSpec spec) {
        String name = spec.qualifiedName();
        assertThat(spec.usageMessage().description()).isNotEmpty();
        for (CommandLine.Model.OptionSpec option : spec.options()) {
            assertThat(option.description()).as(option.longestName()).isNotEmpty();
        }
        List<String> words = List.of(name.split(" ", -1));
        List<String> path = words.subList(1, words.size());

        var help = Stage.run(Map.of(), with(path, "--help")).ended(0);
        assertThat(help.out()).startsWith("Usage: " + name).contains("Examples:");
        assertThat(help.out().substring(help.out().indexOf("Examples:"))).contains(name);
        assertThat(help.err()).isEmpty();

        assertThat(run(with(path, "--no-such-option")).err()).contains(name + ": ", "Try '" + name + " --help'.");
    }

    private static String[] with(List<String> path, String last) {
        var args = new ArrayList<>(path);
        args.add(last);
        return args.toArray(String[]::new);
    }

    @Test
    void help_and_the_option_say_the_same() {
        assertThat(Stage.run(Map.of(), "help", "enqueue").ended(0).out())
                .isEqualTo(Stage.run(Map.of(), "enqueue", "--help").ended(0).out())
                .contains("--on-failed-chunk");
    }

    @Test
    void without_a_command_it_says_which_there_are() {
        assertThat(run().err()).contains("enqueue", "dlq", "snapshot", "merge", "inspect", "Exit codes:");
        assertThat(run("dlq").err()).contains("list, show, replay or drop");
        assertThat(run("snapshot").err()).contains("list, show, verify, download, contains, rollback");
        assertThat(run("batch").err()).contains("list, show, watch or explain");
        assertThat(run("enqeue").err()).contains("enqueue");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "enqueue",
                "enqueue --database words",
                "enqueue --database words --prefix a/ --delta b/",
                "enqueue --database ../words --prefix a/",
                "enqueue --database words --prefix a/ --chunk-size 0",
                "enqueue --database words --prefix a/ --chunk-bytes 0",
                "enqueue --database words --prefix a/ --group-size -1",
                "enqueue --database words --prefix a/ --chunk-size ten",
                "enqueue --database words --prefix a/ --on-failed-chunk maybe",
                "enqueue --database words --prefix a/ --batch a/b",
                "batch explain",
                "batch show ..",
                "batch list --limit 0",
                "snapshot contains --database words",
                "dlq show",
                "dlq list --older-than yesterday",
                "dlq list --class nobody",
                "snapshot list",
                "snapshot show --database words/delta",
                "snapshot download --database words",
                "merge --out x",
                "merge input",
                "merge --out x --threads 0 input",
                "inspect",
                "inspect a b"
            })
    void bad_usage_is_one_sentence_and_exit_code_2(String line) {
        var ran = run(line.split(" ", -1));

        assertThat(ran.out()).isEmpty();
        assertThat(ran.err().lines().count()).as(ran.err()).isBetween(2L, 4L);
    }

    @Test
    void a_refused_configuration_names_every_problem() {
        var ran = Stage.run(
                        Map.of("COMPACTOR_BUCKETS", "x", "AWS_ENDPOINT_URL", "nowhere"),
                        "snapshot",
                        "list",
                        "--database",
                        "words")
                .ended(ExitCode.CONFIGURATION);

        assertThat(ran.err())
                .contains(
                        "COMPACTOR_BUCKETS is unknown; did you mean COMPACTOR_BUCKET?",
                        "COMPACTOR_BUCKET is not set",
                        "AWS_ENDPOINT_URL: \"nowhere\"");
    }

    @Test
    void a_failure_has_a_reason_for_people_and_for_machines() throws Exception {
        var people = Stage.run(Map.of(), "inspect", "/no/such/place").ended(ExitCode.FAILED);
        assertThat(people.err()).isEqualTo("""
                compactor inspect: /no/such/place: there is no such file or directory [input, input-missing]
                """);

        var machines =
                Stage.run(Map.of(), "inspect", "--json", "/no/such/place").ended(ExitCode.FAILED);
        assertThat(machines.out()).isEmpty();
        var problem = JsonMapper.builder().build().readTree(machines.err());
        assertThat(problem.get("class").asText()).isEqualTo("input");
        assertThat(problem.get("reason").asText()).isEqualTo("input-missing");
    }

    @Test
    void what_nobody_expected_is_one_line_and_a_trace_for_those_who_ask() {
        // A NUL in a path is refused by the file system of Java itself.
        String path = "a\0b";

        var ran = Stage.run(Map.of(), "inspect", path);
        assertThat(ran.code()).isEqualTo(ExitCode.FAILED);
        assertThat(ran.err())
                .contains("unexpected: InvalidPathException", "--trace")
                .doesNotContain("\tat ");

        assertThat(Stage.run(Map.of(), "inspect", "--trace", path).err()).contains("\tat ");
    }
}
