package dev.chromacompactor.cli;

import picocli.CommandLine.Command;

@Command(
        name = "watch",
        description = {
            "Follows it until nothing more is to come by itself: how far it is, and how long it may take at the rate so far.",
            "On a terminal one line that changes, else a line for each change; with --json an event in a line each.",
            "Exit code 0 if all of it is published, 3 if something is not. Ctrl-C ends the watching, not the batch."
        },
        footer = {
            "",
            "Examples:",
            "  compactor batch watch b-20261124",
            "  compactor batch watch b-20261124 --json | jq -c '[.event, .settled, .seconds_left]'"
        })
final class BatchWatch extends BatchCommand.OfBatch {
    private final Following.Pace pace = Thread::sleep;

    BatchWatch(Context context) {
        super(context);
    }

    @Override
    int run(Connection connection, String batch) throws InterruptedException {
        return new Following(connection.store(), batch, output, true, context.clock(), pace).untilOver();
    }
}
