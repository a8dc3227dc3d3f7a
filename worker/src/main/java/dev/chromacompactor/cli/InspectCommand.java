package dev.chromacompactor.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.Findings;
import dev.chromacompactor.chroma.SchemaLevel;
import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.compaction.Deltas;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "inspect",
        description = {
            "Says what is in a Chroma directory, an archive of one, or an s3://bucket/prefix/. Only reads.",
            "Exit code 3 if --deep finds something wrong with it."
        },
        footer = {
            "",
            "Examples:",
            "  compactor inspect ./chroma-data",
            "  compactor inspect --deep delta.tar.gz",
            "  compactor inspect --json s3://my-bucket/words/delta/abc123/"
        })
final class InspectCommand implements Callable<Integer> {
    /** @param sound whether everything holds together; null if that was not looked at */
    record Report(
            String path,
            boolean deep,
            @Nullable Boolean sound,
            SchemaLevel schemaLevel,
            @Nullable Instant lastWrittenAt,
            long records,
            List<Collection> collections) {}

    /** What {@code --deep} found wrong. */
    record Unsound(
            String path,
            boolean deep,
            boolean sound,
            @JsonProperty("class") String blame,
            String reason,
            String message) {}

    /** @param wal what lies in its write-ahead log and what is odd; null unless {@code --deep} */
    record Collection(
            String name,
            String id,
            long records,
            @Nullable Integer dimension,
            Space space,
            int m,
            int efConstruction,
            @Nullable Wal wal) {}

    /**
     * @param deletes that a merge would apply
     * @param removedKeys metadata keys that a null removed
     */
    record Wal(long deletes, long removedKeys, long ignoredUpdates, long positionsWithoutTrace) {}

    @Parameters(paramLabel = "PATH", description = "Directory, .tar.gz, .tar.zst, or s3://bucket/prefix/.")
    private String path = "";

    @Option(
            names = "--deep",
            description = "Check every id, vector and link, as a worker does before it folds a delta.")
    private boolean deep;

    private final Context context;

    @Mixin
    private final Output output;

    InspectCommand(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    @Override
    public Integer call() {
        Config config = Config.from(context.environment());
        try (Scratch scratch = Scratch.below(config.scratchDir(), "inspect")) {
            return path.startsWith("s3://") ? remote(scratch) : local(Path.of(path), scratch);
        }
    }

    private int local(Path local, Scratch scratch) {
        Local.requireThere(local);
        return look(() -> Local.about(local, () -> Local.database(local, () -> scratch.directory("unpacked"))));
    }

    private int remote(Scratch scratch) {
        String[] where = Connection.bucketAndKey(path);
        try (Connection connection = context.connect()) {
            var store = connection.stores().bucket(where[0]);
            LocatedDelta located = Deltas.locate(store, Deltas.normalised(where[1]));
            output.step("downloading %,d bytes".formatted(located.bytes()));
            return look(() -> Deltas.fetch(
                    store,
                    located,
                    scratch.directory("delta"),
                    scratch.file("archive"),
                    Archives.Limits.DEFAULT,
                    bytes -> {}));
        }
    }

    private int look(Supplier<Path> where) {
        try {
            Path directory = where.get();
            if (deep) {
                output.step("checking every id, vector and link");
            }
            try (ChromaDatabase database =
                    deep ? ChromaDatabase.open(directory) : ChromaDatabase.openTrusted(directory)) {
                Report report = report(database);
                output.result(report, text(report));
                return 0;
            }
        } catch (FailureException e) {
            Failure failure = e.failure();
            // A check that could not be made has found nothing.
            if (!deep || failure.blame() != Blame.INPUT) {
                throw e;
            }
            output.result(
                    new Unsound(path, true, false, failure.blame().label(), failure.reason(), failure.message()),
                    "%s\n  unsound       %s: %s".formatted(path, failure.reason(), failure.message()));
            return ExitCode.FOUND_SOMETHING;
        }
    }

    private Report report(ChromaDatabase database) {
        List<Collection> collections = new ArrayList<>();
        for (CollectionInfo info : database.collections()) {
            collections.add(new Collection(
                    info.name(),
                    info.id(),
                    database.records(info),
                    info.dimension(),
                    info.space(),
                    info.m(),
                    info.efConstruction(),
                    deep ? wal(database, info) : null));
        }
        var written = database.writtenAtMillis();
        return new Report(
                path,
                deep,
                deep ? true : null,
                database.level(),
                written.isPresent() ? Instant.ofEpochMilli(written.getAsLong()) : null,
                collections.stream().mapToLong(Collection::records).sum(),
                collections);
    }

    private static Wal wal(ChromaDatabase database, CollectionInfo info) {
        var counts = new long[2];
        database.entries(info, entry -> {
            counts[0] += entry.deleted() ? 1 : 0;
            counts[1] += entry.removedKeys().size();
        });
        Findings findings = database.findings(info);
        return new Wal(counts[0], counts[1], findings.ignoredUpdates(), findings.positionsWithoutTrace());
    }

    private static String text(Report report) {
        var text = new StringBuilder(report.path());
        field(text, "schema level", report.schemaLevel().toString());
        field(
                text,
                "last written",
                report.lastWrittenAt() == null
                        ? "unknown, its write-ahead log is empty"
                        : report.lastWrittenAt().toString());
        for (Collection c : report.collections()) {
            field(
                    text,
                    "collection",
                    "%s: %,d records, dimension %s, %s, M %d, ef_construction %d"
                            .formatted(
                                    c.name(),
                                    c.records(),
                                    c.dimension() == null ? "not set yet" : c.dimension(),
                                    c.space().label(),
                                    c.m(),
                                    c.efConstruction()));
            Wal wal = c.wal();
            if (wal != null && wal.deletes() + wal.removedKeys() > 0) {
                field(
                        text,
                        "",
                        "%,d deletes and %,d removed keys still in its write-ahead log"
                                .formatted(wal.deletes(), wal.removedKeys()));
            }
            if (wal != null && wal.ignoredUpdates() > 0) {
                field(text, "", "%,d updates of ids it does not hold".formatted(wal.ignoredUpdates()));
            }
        }
        if (report.collections().isEmpty()) {
            field(text, "collections", "none");
        }
        if (report.deep()) {
            field(text, "checked", "every id, vector and link: sound");
        } else {
            field(text, "not checked", "--deep checks every id, vector and link");
        }
        return text.toString();
    }

    private static void field(StringBuilder text, String name, String value) {
        text.append("\n  %-13s %s".formatted(name, value));
    }
}
