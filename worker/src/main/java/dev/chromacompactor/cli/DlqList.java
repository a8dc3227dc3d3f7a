package dev.chromacompactor.cli;

import dev.chromacompactor.queue.DeadLetters;
import dev.chromacompactor.queue.Letter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "list",
        description = {
            "The letters, oldest first, each with its reason. They stay where they are.",
            "With --json an array of {\"id\",\"reason\",\"class\",\"message\",\"operation\",\"batch_id\",…}."
        },
        footer = {
            "",
            "Examples:",
            "  compactor dlq list",
            "  compactor dlq list --class input --younger-than P1D --json"
        })
final class DlqList extends DlqCommand.OnLetters {
    @Mixin
    private final DlqCommand.FilterOptions filter = new DlqCommand.FilterOptions();

    DlqList(Context context) {
        super(context);
    }

    @Override
    int run(DeadLetters letters) {
        List<Letter> found = letters.list(filter.filter(), (done, of) -> output.progress("reading letters", done, of));
        output.result(
                found.stream().map(Letter::toJson).toList(),
                found.isEmpty()
                        ? "no dead letters"
                        : DlqCommand.lines(found) + "\n"
                                + (found.size() == 1 ? "1 dead letter: " : found.size() + " dead letters: ")
                                + DlqCommand.tally(found));
        return 0;
    }
}
