package dev.chromacompactor.cli;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.Ledger;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.chroma.Summary;
import dev.chromacompactor.compaction.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "merge",
        description = {
            "Merges Chroma databases on local disk into one: the engine alone, no queue, no S3.",
            "Later arguments win, as if one Chroma had upserted them in this order. Inputs are only read."
        },
        footer = {
            "",
            "Examples:",
            "  compactor merge --out merged delta-1 delta-2 delta-3.tar.gz",
            "  compactor merge --base snapshot --out snapshot-2 delta-4",
            "  compactor merge --out words --collection words receipt-1 receipt-2"
        })
final class MergeCommand implements Callable<Integer> {
    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "Where the result goes; must not exist. It appears whole or not at all.")
    private Path out = Path.of("");

    @Option(
            names = "--base",
            paramLabel = "DIR",
            description = "A snapshot to extend, older than every input; it is only read.")
    private @Nullable Path base;

    @Option(
            names = "--collection",
            paramLabel = "NAME",
            description = "Where the records of inputs with one collection go; else names are kept.")
    private @Nullable String collection;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Inputs unpacked and checked at once; the number of cores unless named. "
                    + "The result does not depend on it.")
    private @Nullable Integer threads;

    @Parameters(arity = "1..*", paramLabel = "INPUT", description = "Chroma directories, or archives of them.")
    private List<Path> inputs = List.of();

    private final Context context;

    @Mixin
    private final Output output;

    MergeCommand(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    record Merged(
            Path directory,
            int inputs,
            long records,
            List<Summary.CollectionSummary> collections,
            Ledger ledger,
            String digest) {}

    private record Input(Path named, Path directory) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        int atOnce = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
        if (atOnce < 1) {
            throw new UsageException("--threads " + atOnce + ": at least 1");
        }
        try (NewDirectory target = NewDirectory.at(out)) {
            List<Input> checked = check(atOnce, target.scratch());
            Path content = target.scratch().directory("out");
            Summary summary = fold(checked, content, target.scratch());
            output.step("checking the result");
            ChromaDatabase.open(content).close();
            target.publish(content);
            var merged = new Merged(
                    target.path(),
                    inputs.size(),
                    summary.records(),
                    summary.collections(),
                    summary.ledger(),
                    summary.digest());
            output.result(merged, text(summary));
        }
        return 0;
    }

    private String text(Summary summary) {
        Ledger ledger = summary.ledger();
        return "merged %d %s into %s: %,d records (%,d added, %,d merged, %,d deleted, %,d without effect)"
                .formatted(
                        inputs.size(),
                        inputs.size() == 1 ? "input" : "inputs",
                        out,
                        summary.records(),
                        ledger.added(),
                        ledger.merged(),
                        ledger.deletesEffective(),
                        ledger.stale() + ledger.deletesIdle());
    }

    /** Everything is read and found sound before anything is folded; of several bad inputs the first one is named. */
    private List<Input> check(int atOnce, Scratch scratch) throws InterruptedException {
        List<Path> all = new ArrayList<>(inputs);
        if (base != null) {
            all.add(base);
        }
        // Platform threads: reading SQLite is a native call, which would pin a virtual one's carrier.
        try (var pool = Executors.newFixedThreadPool(Math.min(atOnce, all.size()))) {
            List<Future<Input>> running = new ArrayList<>();
            for (int place = 0; place < all.size(); place++) {
                Path named = all.get(place);
                String unpacked = "input-" + place;
                running.add(pool.submit(() -> check(named, unpacked, scratch)));
            }
            List<Input> checked = new ArrayList<>();
            try {
                for (Future<Input> each : running) {
                    checked.add(each.get());
                    output.progress("inputs checked", checked.size(), all.size());
                }
            } catch (ExecutionException e) {
                running.forEach(each -> each.cancel(false));
                throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
            }
            return checked;
        }
    }

    private static Input check(Path named, String unpacked, Scratch scratch) {
        return Local.about(named, () -> {
            Path directory = Local.database(named, () -> scratch.directory(unpacked));
            ChromaDatabase.open(directory).close();
            return new Input(named, directory);
        });
    }

    private Summary fold(List<Input> checked, Path content, Scratch scratch) throws IOException {
        try (Fold fold = base == null ? Fold.fresh(content) : onto(checked.getLast(), content)) {
            long now = context.clock().millis();
            for (int place = 0; place < inputs.size(); place++) {
                Input input = checked.get(place);
                var stamp = new Stamp(now, place, input.named().toString());
                Local.about(input.named(), () -> {
                    try (ChromaDatabase delta = ChromaDatabase.openTrusted(input.directory())) {
                        return fold.apply(delta, stamp, collection);
                    }
                });
                if (input.directory().startsWith(scratch.file(""))) {
                    // An unpacked archive has done its duty: its space is free from here on.
                    scratch.remove(scratch.file("input-" + place));
                }
                output.progress("inputs merged", place + 1L, inputs.size());
            }
            output.step("building the index");
            return fold.finishSnapshot(0);
        }
    }

    /** A private copy of what belongs to the database, nothing else that lies in its directory. */
    private static Fold onto(Input from, Path content) throws IOException {
        Files.copy(from.directory().resolve("chroma.sqlite3"), content.resolve("chroma.sqlite3"));
        try (ChromaDatabase database = ChromaDatabase.openTrusted(from.directory())) {
            for (CollectionInfo each : database.collections()) {
                copyFiles(from.directory().resolve(each.vectorSegment()), content.resolve(each.vectorSegment()));
            }
        }
        return Fold.onto(content, false);
    }

    private static void copyFiles(Path from, Path to) throws IOException {
        if (!Files.isDirectory(from)) {
            return;
        }
        Files.createDirectory(to);
        try (var files = Files.newDirectoryStream(from, Files::isRegularFile)) {
            for (Path file : files) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }
}
