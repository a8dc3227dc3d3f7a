package dev.chromacompactor.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.Findings;
import dev.chromacompactor.chroma.RecordDigest;
import dev.chromacompactor.chroma.SchemaLevel;
import dev.chromacompactor.chroma.Seal;
import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.compaction.Deltas;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
    /**
     * @param sound whether everything holds together and, in a bucket, where nothing of ours is written to again, the records are those that were
     *     left there; null if that was not looked at
     * @param digest of the records, counted; null unless {@code --deep}
     * @param promised the digest that the manifest or the seal beside them says; null if none does, or nobody looked
     */
    record Report(
            String path,
            boolean deep,
            @Nullable Boolean sound,
            SchemaLevel schemaLevel,
            @Nullable Instant lastWrittenAt,
            long records,
            @Nullable String digest,
            @Nullable String promised,
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
            description =
                    "Check every id, vector and link, as a worker does before it folds a delta, and of what we wrote that "
                            + "its records are the same.")
    private boolean deep;

    /** The prefix of a version. */
    private static final Pattern VERSION = Pattern.compile("(.+)/snapshot/timestamped/([^/]+)/");

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
        return look(
                () -> Local.about(local, () -> Local.database(local, () -> scratch.directory("unpacked"))),
                Seal::digestOf,
                true);
    }

    private int remote(Scratch scratch) {
        String[] where = Connection.bucketAndKey(path);
        try (Connection connection = context.connect()) {
            var store = connection.stores().bucket(where[0]);
            String key = Deltas.normalised(where[1]);
            LocatedDelta located = Deltas.locate(store, key);
            output.step("downloading %,d bytes".formatted(located.bytes()));
            return look(
                    () -> Deltas.fetch(
                            store,
                            located,
                            scratch.directory("delta"),
                            scratch.file("archive"),
                            Archives.Limits.DEFAULT,
                            bytes -> {}),
                    _ -> manifest(store, key)
                            .map(manifest -> manifest.contents().recordDigest()),
                    false);
        }
    }

    /** Of a version of ours, if that is what lies there. */
    private static Optional<Manifest> manifest(ObjectStore store, String key) {
        Matcher version = VERSION.matcher(key);
        return version.matches()
                ? new SnapshotCatalog(store, version.group(1)).load(version.group(2))
                : Optional.empty();
    }

    /**
     * @param promised says the digest of what lies in a directory
     * @param mayChange whether somebody may have written to it since
     */
    private int look(Supplier<Path> where, Function<Path, Optional<String>> promised, boolean mayChange) {
        try {
            Path directory = where.get();
            if (deep) {
                output.step("checking every id, vector and link");
            }
            try (ChromaDatabase database =
                    deep ? ChromaDatabase.open(directory) : ChromaDatabase.openTrusted(directory)) {
                Report report =
                        report(database, deep ? promised.apply(directory).orElse(null) : null, mayChange);
                output.result(report, text(report));
                return Boolean.FALSE.equals(report.sound()) ? ExitCode.FOUND_SOMETHING : 0;
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

    private Report report(ChromaDatabase database, @Nullable String promised, boolean mayChange) {
        List<Collection> collections = new ArrayList<>();
        var digest = new RecordDigest();
        for (CollectionInfo info : database.collections()) {
            collections.add(new Collection(
                    info.name(),
                    info.id(),
                    database.records(info),
                    info.dimension(),
                    info.space(),
                    info.m(),
                    info.efConstruction(),
                    deep ? read(database, info, digest) : null));
        }
        var written = database.writtenAtMillis();
        return new Report(
                path,
                deep,
                deep ? mayChange || promised == null || promised.equals(digest.value()) : null,
                database.level(),
                written.isPresent() ? Instant.ofEpochMilli(written.getAsLong()) : null,
                collections.stream().mapToLong(Collection::records).sum(),
                deep ? digest.value() : null,
                promised,
                collections);
    }

    /** @param digest of the records, to which these are added */
    private static Wal read(ChromaDatabase database, CollectionInfo info, RecordDigest digest) {
        var counts = new long[2];
        database.entries(info, entry -> {
            counts[0] += entry.deleted() ? 1 : 0;
            counts[1] += entry.removedKeys().size();
            if (entry.live() != null) {
                digest.add(info.name(), entry.id(), entry.live());
            }
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
            field(text, "digest", report.digest() + compared(report));
        } else {
            field(text, "not checked", "--deep checks every id, vector and link");
        }
        return text.toString();
    }

    private static String compared(Report report) {
        if (report.promised() == null) {
            return "";
        }
        if (report.promised().equals(report.digest())) {
            return ", as it was left";
        }
        return Boolean.TRUE.equals(report.sound())
                ? ", written to since it was left with " + report.promised()
                : ", BUT IT WAS LEFT WITH " + report.promised();
    }

    private static void field(StringBuilder text, String name, String value) {
        text.append("\n  %-13s %s".formatted(name, value));
    }
}
