package dev.chromacompactor.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What a person is told when a command ends badly: what was being done, and what to do now. */
final class Explanation {
    static final String TRACE = "--trace";

    private Explanation() {}

    /** A failure as {@code --json} shows it, on standard error. */
    record Problem(String command, @JsonProperty("class") String blame, String reason, String message) {}

    static int of(Exception e, CommandLine line) {
        PrintWriter err = line.getErr();
        String command = line.getCommandSpec().qualifiedName();
        boolean json = line.getParseResult().hasMatchedOption("--json");
        int code = switch (e) {
            case UsageException usage -> {
                err.println(command + ": " + usage.getMessage());
                tryHelp(line);
                yield ExitCode.USAGE;
            }
            case ConfigException config -> {
                err.println(command + ": configuration refused");
                config.problems().forEach(problem -> err.println("  - " + problem));
                err.println(config.hint());
                yield ExitCode.CONFIGURATION;
            }
            case FailureException failed -> {
                Failure failure = failed.failure();
                if (json) {
                    err.println(Output.toJson(
                            new Problem(command, failure.blame().label(), failure.reason(), failure.message())));
                } else {
                    err.println(command + ": " + failure.message() + " ["
                            + failure.blame().label() + ", " + failure.reason() + "]");
                    advice(failure.blame()).forEach(err::println);
                }
                yield ExitCode.of(failure.blame());
            }
            default -> {
                err.println(command + ": unexpected: " + causes(e));
                if (!traced(line)) {
                    err.println("Run it again with " + TRACE + " to see where.");
                }
                yield ExitCode.FAILED;
            }
        };
        if (traced(line)) {
            e.printStackTrace(err);
        }
        return code;
    }

    static int ofUsage(ParameterException e) {
        CommandLine line = e.getCommandLine();
        line.getErr().println(line.getCommandSpec().qualifiedName() + ": " + e.getMessage());
        UnmatchedArgumentException.printSuggestions(e, line.getErr());
        tryHelp(line);
        return ExitCode.USAGE;
    }

    private static void tryHelp(CommandLine line) {
        line.getErr().println("Try '" + line.getCommandSpec().qualifiedName() + " --help'.");
    }

    private static boolean traced(CommandLine line) {
        return line.getParseResult().hasMatchedOption(TRACE);
    }

    private static List<String> advice(Blame blame) {
        return switch (blame) {
            case INPUT -> List.of();
            case DOUBTFUL -> List.of("It may have been caught in motion: run it again.");
            case DEPENDENCY -> List.of("S3 or SQS did not do its part: check endpoint and credentials, or try later.");
            case NODE -> List.of("It is this machine and not the data: mend that, then run it again.");
            case CONFLICT -> List.of("Somebody else was faster: run it again.");
            case INVARIANT -> List.of("The bucket contradicts itself: somebody must look before more is published.");
        };
    }

    /** The exception and what caused it, in one line. */
    private static String causes(Exception e) {
        var text = new StringBuilder();
        for (Throwable each = e; each != null; each = each.getCause()) {
            String message = each.getMessage();
            text.append(text.isEmpty() ? "" : ", because of ")
                    .append(each.getClass().getSimpleName());
            if (message != null
                    && (each.getCause() == null
                            || !message.equals(each.getCause().toString()))) {
                text.append(": ").append(message.lines().findFirst().orElse(""));
            }
        }
        return text.toString();
    }
}
