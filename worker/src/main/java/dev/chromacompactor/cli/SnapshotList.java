package dev.chromacompactor.cli;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "list",
        description = "All versions, newest first; * marks the live one.",
        footer = {"", "Examples:", "  compactor snapshot list --database words"})
final class SnapshotList extends SnapshotCommand.OfDatabase {
    /** @param ours whether it has a manifest; what only a manifest tells is null without one */
    record Version(
            String version,
            boolean live,
            boolean ours,
            @Nullable Long seq,
            @Nullable Long records,
            @Nullable Long bytes,
            @Nullable String base) {
        static Version of(SnapshotCatalog.Entry entry, @Nullable String live) {
            Manifest manifest = entry.manifest();
            boolean current = entry.version().equals(live);
            return manifest == null
                    ? new Version(entry.version(), current, false, null, null, null, null)
                    : new Version(
                            entry.version(),
                            current,
                            true,
                            manifest.seq(),
                            manifest.contents().records(),
                            SnapshotCommand.bytes(manifest),
                            manifest.base());
        }

        String line() {
            return (live ? "* " : "  ")
                    + version
                    + (ours ? "  %,d records, %,d bytes".formatted(records, bytes) : "  not ours, or not finished");
        }
    }

    SnapshotList(Context context) {
        super(context);
    }

    @Override
    int run(SnapshotCatalog catalog) {
        String live = live(catalog);
        List<Version> versions = catalog.versions().stream()
                .map(entry -> Version.of(entry, live))
                .toList();
        output.result(
                versions,
                versions.isEmpty()
                        ? "no versions of " + database.name() + ": nothing was published yet"
                        : String.join("\n", versions.stream().map(Version::line).toList()));
        return 0;
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
