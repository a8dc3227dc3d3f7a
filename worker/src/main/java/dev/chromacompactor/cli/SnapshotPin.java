package dev.chromacompactor.cli;

import dev.chromacompactor.snapshot.Pins;
import dev.chromacompactor.snapshot.Pins.Pin;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "pin",
        description = {
            "Keeps a version until it is unpinned, whatever its age.",
            "Exit code 1 if it is gone or about to be collected; once this has ended with 0, the version stays."
        },
        footer = {
            "",
            "Examples:",
            "  compactor snapshot pin --database words 20261124_081530_000042_1f2e3d4c --reason 'audit 2026'"
        })
final class SnapshotPin extends SnapshotCommand.OnVersion {
    @Option(names = "--reason", paramLabel = "TEXT", description = "Why; snapshot list shows it.")
    private String reason = "";

    SnapshotPin(Context context) {
        super(context);
    }

    /** @param before whether it was pinned already; that pin stays as it is */
    record Pinned(String database, String version, boolean before) {}

    @Override
    int run(Connection connection, String name) {
        var pin = new Pin(
                version(),
                reason,
                System.getProperty("user.name"),
                context.clock().instant());
        boolean made = new Pins(connection.store(), name).pin(pin);
        output.result(
                new Pinned(name, pin.version(), !made),
                made ? "pinned " + pin.version() : pin.version() + " was pinned already");
        return 0;
    }
}
