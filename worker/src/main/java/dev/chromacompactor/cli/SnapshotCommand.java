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
        description = "Published versions: look at them, ask for a delta, go back to one, keep one, delete old ones.",
        subcommands = {
            SnapshotList.class,
            SnapshotShow.class,
            SnapshotVerify.class,
            SnapshotDownload.class,
            SnapshotContains.class,
            SnapshotRollback.class,
            SnapshotRelease.class,
            SnapshotPin.class,
            SnapshotUnpin.class,
            SnapshotGc.class
        },
        footer = {
            "",
            "Examples:",
            "  compactor snapshot list --database words",
            "  compactor snapshot show --database words",
            "  compactor snapshot verify --database words 20261124_081530_000042_1f2e3d4c",
            "  compactor snapshot download --database words --out ./words",
            "  compactor snapshot contains --database words words/delta/abc123/",
            "  compactor snapshot rollback --database words 20261124_081530_000042_1f2e3d4c      what would change",
            "  compactor snapshot gc --database words                                            what would be deleted"
        })
final class SnapshotCommand implements Runnable {
    @Override
    public void run() {
        throw new UsageException(
                "name what to do: list, show, verify, download, contains, rollback, release, pin, unpin or gc");
    }

    /** What all have in common. */
    abstract static class OnDatabase implements Callable<Integer> {
        final Context context;

        @Mixin
        final DatabaseOption database = new DatabaseOption();

        @Mixin
        final Output output;

        OnDatabase(Context context) {
            this.context = context;
            this.output = new Output(context);
        }

        @Override
        public Integer call() throws IOException {
            String name = database.name();
            try (Connection connection = context.connect(required())) {
                return run(connection, name);
            }
        }

        /** Names of the variables that it cannot do without. */
        String[] required() {
            return new String[] {Config.BUCKET};
        }

        abstract int run(Connection connection, String name) throws IOException;
    }

    /** Those that only look. */
    abstract static class OfDatabase extends OnDatabase {
        OfDatabase(Context context) {
            super(context);
        }

        @Override
        int run(Connection connection, String name) throws IOException {
            return run(connection.catalog(name));
        }

        abstract int run(SnapshotCatalog catalog) throws IOException;
    }

    /** Those that are about one version, which must be named. */
    abstract static class OnVersion extends OnDatabase {
        @Parameters(arity = "1", paramLabel = "VERSION", description = "Its id, as snapshot list shows it.")
        private String version = "";

        OnVersion(Context context) {
            super(context);
        }

        String version() {
            return checked(version);
        }
    }

    /** @throws UsageException if it is no part of a key */
    private static String checked(String version) {
        if (version.contains("/") || version.isBlank()) {
            throw new UsageException("VERSION " + version + ": the id alone, as snapshot list shows it");
        }
        return version;
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
            return catalog.load(checked(name))
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
