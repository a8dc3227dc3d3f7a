package dev.chromacompactor.cli;

import dev.chromacompactor.snapshot.Pins;
import picocli.CommandLine.Command;

@Command(
        name = "unpin",
        description = "Takes the pin of a version away. It goes when nothing else keeps it.",
        footer = {"", "Examples:", "  compactor snapshot unpin --database words 20261124_081530_000042_1f2e3d4c"})
final class SnapshotUnpin extends SnapshotCommand.OnVersion {
    SnapshotUnpin(Context context) {
        super(context);
    }

    /** @param before whether it was pinned */
    record Unpinned(String database, String version, boolean before) {}

    @Override
    int run(Connection connection, String name) {
        boolean there = new Pins(connection.store(), name).unpin(version());
        output.result(
                new Unpinned(name, version(), there), there ? "unpinned " + version() : version() + " was not pinned");
        return 0;
    }
}
