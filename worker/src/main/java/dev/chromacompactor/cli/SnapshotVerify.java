package dev.chromacompactor.cli;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "verify",
        description = {
            "Reads every byte of a version again and compares it with its manifest.",
            "Exit code 3 if something is wrong, what it is in the answer."
        },
        footer = {
            "",
            "Examples:",
            "  compactor snapshot verify --database words",
            "  compactor snapshot verify --database words 20261124_081530_000042_1f2e3d4c --json"
        })
final class SnapshotVerify extends SnapshotCommand.OfVersion {
    /** @param version null if not even that can be told */
    record Verdict(String database, @Nullable String version, boolean sound, List<String> problems) {}

    SnapshotVerify(Context context) {
        super(context);
    }

    @Override
    int run(SnapshotCatalog catalog) {
        Verdict verdict = verdict(catalog);
        String what = verdict.version() == null ? "the live version of " + database.name() : verdict.version();
        output.result(
                verdict,
                verdict.sound()
                        ? what + ": every file is there, with the bytes its manifest names"
                        : what + ":\n  " + String.join("\n  ", verdict.problems()));
        return verdict.sound() ? 0 : ExitCode.FOUND_SOMETHING;
    }

    private Verdict verdict(SnapshotCatalog catalog) {
        Manifest manifest;
        try {
            manifest = manifest(catalog);
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INVARIANT) {
                throw e;
            }
            // The pointer, the manifest or a file's size is wrong: that is the finding.
            String problem = e.failure().reason() + ": " + e.failure().message();
            return new Verdict(database.name(), null, false, List.of(problem));
        }
        output.step("reading %d files, %,d bytes"
                .formatted(manifest.contents().files().size(), SnapshotCommand.bytes(manifest)));
        List<String> problems = catalog.verify(manifest.version());
        return new Verdict(database.name(), manifest.version(), problems.isEmpty(), problems);
    }
}
