package dev.chromacompactor.cli;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.queue.DeadLetters;
import dev.chromacompactor.queue.FailureReport;
import dev.chromacompactor.queue.Letter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "show",
        description = "One letter whole: its body and everything known of its failure.",
        footer = {"", "Examples:", "  compactor dlq show 5f0c…", "  compactor dlq show 5f0c… --json"})
final class DlqShow extends DlqCommand.OnLetters {
    @Parameters(paramLabel = "ID", description = "Of the letter or of the original message.")
    private String id = "";

    DlqShow(Context context) {
        super(context);
    }

    @Override
    int run(DeadLetters letters) {
        Letter letter = letters.show(id)
                .orElseThrow(() -> FailureException.input(
                        "letter-unknown", "no dead letter has id " + id + "; dlq list shows those that are there"));
        output.result(letter.toJson(), text(letter));
        return 0;
    }

    private static String text(Letter letter) {
        var text = new StringBuilder(DlqCommand.line(letter));
        FailureReport report = letter.report();
        if (report != null) {
            field(text, "class", report.blame());
            field(text, "verdict", report.verdict());
            field(text, "fingerprint", report.fingerprint());
            field(text, "first seen", report.firstSeen().toString());
            field(text, "worker", report.build());
            report.inputKeys().forEach(key -> field(text, "input", key));
            report.attempts()
                    .forEach(each -> field(text, "attempt", each.at() + " " + each.reason() + ": " + each.message()));
            report.replays().forEach(each -> field(text, "replayed", each.at() + " after " + each.reason()));
        }
        letter.attributes().forEach((name, value) -> field(text, "attribute", name + " = " + value));
        field(text, "body", letter.body());
        return text.toString();
    }

    private static void field(StringBuilder text, String name, String value) {
        text.append("\n  %-12s %s".formatted(name, value));
    }
}
