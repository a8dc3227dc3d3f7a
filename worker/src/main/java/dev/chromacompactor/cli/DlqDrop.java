package dev.chromacompactor.cli;

import dev.chromacompactor.queue.DeadLetters;
import picocli.CommandLine.Command;

@Command(
        name = "drop",
        description = "Deletes letters for good. A dry run unless --yes.",
        footer = {"", "Examples:", "  compactor dlq drop --id 5f0c…", "  compactor dlq drop --older-than P14D --yes"})
final class DlqDrop extends DlqCommand.OnMany {
    DlqDrop(Context context) {
        super(context);
    }

    @Override
    int run(DeadLetters letters) {
        report(
                letters.drop(filter.filter(), !yes, (done, of) -> output.progress("dropping", done, of)),
                "letters dropped: %d",
                "letters that would be dropped: %d");
        return 0;
    }
}
