package dev.chromacompactor.cli;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Pins;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "list",
        description = "All versions, newest first; * marks the live one, + one that is pinned.",
        footer = {"", "Examples:", "  compactor snapshot list --database words"})
final class SnapshotList extends SnapshotCommand.OnDatabase {
    /**
     * @param ours whether it has a manifest; what only a manifest tells is null without one
     * @param pinned why it is pinned; null: it is not
     * @param reverts the version whose content it has, if a rollback made it
     */
    record Version(
            String version,
            boolean live,
            boolean ours,
            @Nullable Long seq,
            @Nullable Long records,
            @Nullable Long bytes,
            @Nullable String base,
            @Nullable String pinned,
            @Nullable String reverts) {
        static Version of(SnapshotCatalog.Entry entry, @Nullable String live, @Nullable String pinned) {
            Manifest manifest = entry.manifest();
            boolean current = entry.version().equals(live);
            return manifest == null
                    ? new Version(entry.version(), current, false, null, null, null, null, pinned, null)
                    : new Version(
                            entry.version(),
                            current,
                            true,
                            manifest.seq(),
                            manifest.contents().records(),
                            SnapshotCommand.bytes(manifest),
                            manifest.base(),
                            pinned,
                            manifest.reverts());
        }

        String line() {
            return (live ? "*" : " ")
                    + (pinned == null ? " " : "+")
                    + version
                    + (ours ? "  %,d records, %,d bytes".formatted(records, bytes) : "  not ours, or not finished")
                    + (reverts == null ? "" : ", content of " + reverts)
                    + (pinned == null ? "" : pinned.isEmpty() ? ", pinned" : ", pinned: " + pinned);
        }
    }

    SnapshotList(Context context) {
        super(context);
    }

    @Override
    int run(Connection connection, String name) {
        SnapshotCatalog catalog = connection.catalog(name);
        String live = live(catalog);
        Map<String, String> pinned = pinned(new Pins(connection.store(), name));
        List<Version> versions = catalog.versions().stream()
                .map(entry -> Version.of(entry, live, pinned.get(entry.version())))
                .toList();
        output.result(
                versions,
                versions.isEmpty()
                        ? "no versions of " + database.name() + ": nothing was published yet"
                        : String.join("\n", versions.stream().map(Version::line).toList()));
        return 0;
    }

    /** The reason of each pin. */
    private static Map<String, String> pinned(Pins pins) {
        var pinned = new HashMap<String, String>();
        for (String version : pins.versions()) {
            pinned.put(version, pins.read(version).map(Pins.Pin::reason).orElse(""));
        }
        return pinned;
    }

    /** A bucket that contradicts itself is when one wants the list most: so it is said, and the list goes on. */
    private @Nullable String live(SnapshotCatalog catalog) {
        try {
            return switch (catalog.live()) {
                case Live.Ours ours -> ours.version();
                case Live.Foreign foreign -> foreign.version();
                case Live.None _ -> null;
            };
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INVARIANT) {
                throw e;
            }
            output.warn(e.failure().message() + " [" + e.failure().reason() + "]");
            return null;
        }
    }
}
