package dev.chromacompactor.cli;

import dev.chromacompactor.preflight.Finding;
import dev.chromacompactor.preflight.Finding.Level;
import dev.chromacompactor.preflight.Report;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "doctor",
        description = {
            "Proves queue, bucket and machine: what a worker checks before it starts, more thoroughly, on the real thing.",
            "It disturbs nobody: no message is sent, received or hidden, and only objects of its own below control/probe/ are written and",
            "deleted. Exit code 3 if a worker would refuse to start, 75 if somebody does not answer."
        },
        footer = {
            "",
            "Examples:",
            "  compactor doctor",
            "  compactor doctor --json | jq '.findings[] | select(.level != \"ok\")'"
        })
final class DoctorCommand implements Callable<Integer> {
    /** A store that is atomic only most of the time loses one of so many. */
    private static final int ROUNDS = 20;

    private static final List<String> NOT_TRIED = List.of(
            "sqs:ReceiveMessage, as it would hide messages from workers and count as a receive: the first poll proves it",
            "sqs:SendMessage, as what is sent cannot be taken back: the first stage message and the first letter prove it",
            "multipart uploads, which files above 64 MiB need: the first of them proves it");

    private final Context context;

    @Mixin
    private final Output output;

    DoctorCommand(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    /** @param healthy whether a worker would start */
    record Diagnosis(boolean healthy, List<Finding> findings, List<String> notTried) {}

    @Override
    public Integer call() {
        try (Connection connection = context.connect(Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET)) {
            output.step("asking queue and bucket");
            Report report = StartUp.preflight(connection, context.clock())
                    .look(StartUp.host(connection.config(), context.environment()), ROUNDS);
            boolean wrong = report.has(Level.PROBLEM);
            boolean unanswered = report.has(Level.UNANSWERED);
            output.result(new Diagnosis(!wrong && !unanswered, report.findings(), NOT_TRIED), text(report));
            if (wrong) {
                return ExitCode.FOUND_SOMETHING;
            }
            return unanswered ? ExitCode.TRY_AGAIN : 0;
        }
    }

    private static String text(Report report) {
        var text = new StringBuilder();
        for (Finding finding : report.findings()) {
            text.append("%-10s %-20s %s%s\n"
                    .formatted(
                            word(finding.level()),
                            finding.subject(),
                            finding.says(),
                            finding.reason() == null ? "" : " [" + finding.reason() + "]"));
            if (finding.remedy() != null) {
                text.append("%-31s → %s\n".formatted("", finding.remedy()));
            }
        }
        NOT_TRIED.forEach(each -> text.append("%-10s %s\n".formatted("not tried", each)));
        return text.append(verdict(report)).toString();
    }

    private static String word(Level level) {
        return switch (level) {
            case OK -> "ok";
            case WARNING -> "warning";
            case UNANSWERED -> "no answer";
            case PROBLEM -> "problem";
        };
    }

    private static String verdict(Report report) {
        if (report.has(Level.PROBLEM)) {
            int problems = report.at(Level.PROBLEM).size();
            return problems + (problems == 1 ? " problem" : " problems") + ": a worker refuses to start";
        }
        return report.has(Level.UNANSWERED)
                ? "somebody does not answer: a worker would wait for it"
                : "a worker would start";
    }
}
