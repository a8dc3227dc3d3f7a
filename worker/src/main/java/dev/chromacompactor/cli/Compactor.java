package dev.chromacompactor.cli;

import dev.chromacompactor.telemetry.Logging;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.TypeConversionException;

/** The command {@code compactor} with its subcommands. */
@Command(
        name = "compactor",
        description = "Folds many small ChromaDB databases on S3 into one published snapshot, driven by SQS.",
        footer = {
            "",
            "Examples:",
            "  compactor demo                         see the whole story, nothing to set up",
            "  compactor enqueue --database words --prefix words/delta/ --dry-run",
            "  compactor help enqueue",
            "",
            "Every command reads the same environment (COMPACTOR_…, AWS_…) and has --help with examples.",
            "Exit codes: 0 done, 1 failed, 2 usage, 3 found something wrong, 75 try again later, 78 configuration refused."
        })
public final class Compactor implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    private Compactor() {}

    /** Runs one command and returns its exit code. */
    public static int run(String... args) {
        Logging.begin();
        if (args.length > 0 && !args[0].startsWith("-")) {
            Prepare.useLibrary(System.getProperty("compactor.home"));
        }
        if (args.length > 0 && args[0].equals("worker")) {
            // Read when the first logger is made: a worker tells what it does, other commands only what went wrong.
            Logging.tell("text".equals(System.getenv("COMPACTOR_LOG")) ? "text" : "json");
        }
        return run(Context.ofProcess(), args);
    }

    static int run(Context context, String... args) {
        return commandLine(context, Commands.asked(args)).execute(args);
    }

    /** @param commands those that can be run */
    static CommandLine commandLine(Context context, Commands commands) {
        var line = new CommandLine(new Compactor());
        commands.addTo(line, new ContextFactory(context));
        for (CommandLine command : all(line)) {
            command.getCommandSpec()
                    .mixinStandardHelpOptions(true)
                    .version(version())
                    .addOption(OptionSpec.builder(Explanation.TRACE)
                            .description("Show the stack trace of an error.")
                            .build());
        }
        line.setOut(writer(context.out()));
        line.setErr(writer(context.err()));
        line.setExecutionExceptionHandler((e, command, _) -> Explanation.of(e, command));
        line.setParameterExceptionHandler((e, _) -> Explanation.ofUsage(e));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.registerConverter(Duration.class, Compactor::duration);
        line.setUsageHelpWidth(110);
        return line;
    }

    /** No subcommand: says what there is. */
    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return ExitCode.USAGE;
    }

    private static List<CommandLine> all(CommandLine line) {
        var all = new ArrayList<CommandLine>();
        all.add(line);
        for (Map.Entry<String, CommandLine> sub : line.getSubcommands().entrySet()) {
            if (!sub.getKey().equals("help") && !Commands.isDescription(sub.getValue())) {
                all.addAll(all(sub.getValue()));
            }
        }
        return all;
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(stream, true, stream.charset());
    }

    private static Duration duration(String text) {
        try {
            return Duration.parse(text);
        } catch (DateTimeParseException e) {
            throw new TypeConversionException("'" + text + "' is not an ISO-8601 duration, such as PT1H or P1D");
        }
    }

    static String version() {
        String version = Compactor.class.getPackage().getImplementationVersion();
        return "compactor " + (version == null ? "(not packaged)" : version);
    }
}
