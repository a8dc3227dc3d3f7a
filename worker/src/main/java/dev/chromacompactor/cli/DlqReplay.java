package dev.chromacompactor.cli;

import dev.chromacompactor.queue.DeadLetters;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "replay",
        description = "Sends letters back to the queue, body and attributes as they were. A dry run unless --yes.",
        footer = {
            "",
            "Examples:",
            "  compactor dlq replay --reason object-missing         what would be sent",
            "  compactor dlq replay --reason object-missing --yes   sends it",
            "  compactor dlq replay --yes --rate 5"
        })
final class DlqReplay extends DlqCommand.OnMany {
    @Option(
            names = "--rate",
            paramLabel = "N",
            defaultValue = "50",
            description = "Letters a second at most; ${DEFAULT-VALUE} unless named.")
    private double rate;

    DlqReplay(Context context) {
        super(context);
    }

    @Override
    int run(DeadLetters letters) {
        if (!(rate > 0)) {
            throw new UsageException("--rate " + rate + ": must be more than 0");
        }
        report(
                letters.replay(filter.filter(), !yes, rate, (done, of) -> output.progress("replaying", done, of)),
                "letters sent back to the queue: %d",
                "letters that would be sent back: %d");
        return 0;
    }
}
