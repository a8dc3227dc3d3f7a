package dev.chromacompactor.cli;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "snapshot",
        description = "Published versions: list, show, verify, download.",
        subcommands = {SnapshotList.class, SnapshotShow.class, SnapshotVerify.class, SnapshotDownload.class},
        footer = {
            "",
            "Examples:",
            "  compactor snapshot list --database words",
            "  compactor snapshot show --database words",
            "  compactor snapshot verify --database words 20261124_081530_000042_1f2e3d4c",
            "  compactor snapshot download --database words --out ./words"
        })
final class SnapshotCommand implements Runnable {
    @Override
    public void run() {
        throw new UsageException("name what to do: list, show, verify or download");
    }

    /** What the four have in common. */
    abstract static class OfDatabase implements Callable<Integer> {
        private final Context context;

        @Mixin
        final DatabaseOption database = new DatabaseOption();

        @Mixin
        final Output output;

        OfDatabase(Context context) {
            this.context = context;
            this.output = new Output(context);
        }

        @Override
        public Integer call() throws IOException {
            String name = database.name();
            try (Connection connection = context.connect(Config.BUCKET)) {
                return run(connection.catalog(name));
            }
        }

        abstract int run(SnapshotCatalog catalog) throws IOException;
    }

    /** Show, verify and download: of the live version, unless one is named. */
    abstract static class OfVersion extends OfDatabase {
        @Parameters(arity = "0..1", paramLabel = "VERSION", description = "The live one, unless named.")
        private @Nullable String version;

        OfVersion(Context context) {
            super(context);
        }

        Manifest manifest(SnapshotCatalog catalog) {
            if (version != null) {
                return named(catalog, version);
            }
            return switch (catalog.live()) {
                case Live.Ours ours -> ours.manifest();
                case Live.Foreign foreign ->
                    throw FailureException.input(
                            "version-foreign",
                            "the live version " + foreign.version() + " of " + database.name()
                                    + " was made by another writer and has no manifest; compactor inspect reads "
                                    + foreign.key());
                case Live.None _ ->
                    throw FailureException.input(
                            "nothing-published",
                            "database " + database.name() + " has no snapshot yet: nothing was published");
            };
        }

        private Manifest named(SnapshotCatalog catalog, String name) {
            if (name.contains("/") || name.isBlank()) {
                throw new UsageException("VERSION " + name + ": the id alone, as snapshot list shows it");
            }
            return catalog.load(name)
                    .orElseThrow(() -> FailureException.input(
                            "version-unknown",
                            "version " + name + " of " + database.name()
                                    + ": there is none with a manifest of ours; see snapshot list"));
        }
    }

    static long bytes(Manifest manifest) {
        return manifest.contents().files().stream()
                .mapToLong(Manifest.StoredFile::size)
                .sum();
    }
}
