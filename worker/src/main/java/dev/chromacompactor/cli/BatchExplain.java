package dev.chromacompactor.cli;

import dev.chromacompactor.question.BatchAnswer;
import dev.chromacompactor.question.BatchAnswer.Outside;
import dev.chromacompactor.question.Questions;
import picocli.CommandLine.Command;

@Command(
        name = "explain",
        description = {
            "Why is it not published? The first thing that stands in its way, and what to do now.",
            "Exit code 0 if all of it is published, 3 if not."
        },
        footer = {
            "",
            "Examples:",
            "  compactor batch explain b-20261124",
            "  compactor batch explain b-20261124 --json | jq -r '.state, .do'"
        })
final class BatchExplain extends BatchCommand.OfBatch {
    /** More lines than that hide the answer; {@code batch show} and {@code --json} have all. */
    private static final int MOST_LINES = 20;

    BatchExplain(Context context) {
        super(context);
    }

    @Override
    int run(Connection connection, String batch) {
        BatchAnswer answer = new Questions(connection.store()).explain(batch);
        output.result(answer, text(answer));
        return answer.state().published() ? 0 : ExitCode.FOUND_SOMETHING;
    }

    private static String text(BatchAnswer answer) {
        var text = new StringBuilder("batch %s%s: %s%n  %s%n  to do: %s"
                .formatted(
                        answer.batchId(),
                        answer.database() == null ? "" : " of " + answer.database(),
                        answer.state().label(),
                        answer.because(),
                        answer.advice()));
        answer.outside().stream()
                .limit(MOST_LINES)
                .forEach(each -> text.append("\n    ").append(line(each)));
        int more = answer.outside().size() - MOST_LINES;
        return text + (more > 0 ? "\n    and " + more + " more: compactor batch show " + answer.batchId() : "");
    }

    private static String line(Outside each) {
        return each.chunk() + (each.delta() == null ? "" : " (" + each.delta() + ")") + ": "
                + each.obstacle().label()
                + (each.reason() == null ? "" : ", " + each.reason()) + ": " + each.message()
                + (each.since() == null ? "" : " (" + each.since() + ")");
    }
}
