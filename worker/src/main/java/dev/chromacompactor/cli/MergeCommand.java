package dev.chromacompactor.cli;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.Ledger;
import dev.chromacompactor.chroma.ReadAhead;
import dev.chromacompactor.chroma.Seal;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.chroma.Summary;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.store.Transfers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
            description = "Inputs unpacked, checked and read at once; the number of cores unless named. "
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

    /** @param proven of a base: the digest of its records, if it is one of ours and as we left it */
    private record Input(
            Path named, Path directory, @Nullable String proven) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        int atOnce = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
        if (atOnce < 1) {
            throw new UsageException("--threads " + atOnce + ": at least 1");
        }
        try (NewDirectory target = NewDirectory.at(out)) {
            Path content = target.scratch().directory("out");
            List<Input> checked = check(atOnce, content, target.scratch());
            Summary summary = fold(checked, atOnce, content, target.scratch());
            Seal.write(content, summary.digest());
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

    /**
     * Tables are found sound before anything is folded, records while they are. Of several inputs with bad tables the first one is
     * named.
     */
    private List<Input> check(int atOnce, Path content, Scratch scratch) throws InterruptedException {
        int all = inputs.size() + (base == null ? 0 : 1);
        // Platform threads: reading SQLite is a native call, which would pin a virtual one's carrier.
        try (var pool = Executors.newFixedThreadPool(Math.min(atOnce, all))) {
            List<Future<Input>> running = new ArrayList<>();
            // It takes longest, so it begins first.
            Path extended = base;
            Future<Input> copying = extended == null ? null : pool.submit(() -> copy(extended, content, scratch));
            for (int place = 0; place < inputs.size(); place++) {
                Path named = inputs.get(place);
                String unpacked = "input-" + place;
                running.add(pool.submit(() -> check(named, unpacked, scratch)));
            }
            if (copying != null) {
                running.add(copying);
            }
            List<Input> checked = new ArrayList<>();
            try {
                for (Future<Input> each : running) {
                    checked.add(each.get());
                    output.progress("inputs checked", checked.size(), all);
                }
            } catch (ExecutionException e) {
                running.forEach(each -> each.cancel(false));
                throw Transfers.unwrapped(e);
            }
            return checked;
        }
    }

    private static Input check(Path named, String unpacked, Scratch scratch) {
        return Local.about(named, () -> {
            Path directory = Local.database(named, () -> scratch.directory(unpacked));
            ChromaDatabase.checkTables(directory);
            return new Input(named, directory, null);
        });
    }

    /** A private copy of a base. One that we left as it is now was proven then; any other is checked like an input. */
    private static Input copy(Path named, Path content, Scratch scratch) {
        return Local.about(named, () -> {
            Path directory = Local.database(named, () -> scratch.directory("base"));
            Optional<String> proven = Seal.copy(directory, content);
            if (proven.isEmpty()) {
                ChromaDatabase.open(content).close();
            }
            return new Input(named, content, proven.orElse(null));
        });
    }

    private Summary fold(List<Input> checked, int atOnce, Path content, Scratch scratch) {
        try (Fold fold = base == null
                ? Fold.fresh(content)
                : Fold.onto(content, false, checked.getLast().proven())) {
            apply(checked.subList(0, inputs.size()), fold, atOnce, scratch);
            output.step("building and checking the index");
            return fold.finishSnapshot(0);
        }
    }

    private void apply(List<Input> checked, Fold fold, int atOnce, Scratch scratch) {
        var sources = checked.stream()
                .map(input -> new ReadAhead.Source(input.directory(), collection))
                .toList();
        try (ReadAhead deltas = fold.reading(sources, Math.min(atOnce, checked.size()))) {
            long now = context.clock().millis();
            for (int place = 0; place < checked.size(); place++) {
                Input input = checked.get(place);
                var stamp = new Stamp(now, place, input.named().toString());
                Local.about(input.named(), () -> {
                    try (ChromaDatabase delta = deltas.next()) {
                        return fold.apply(delta, stamp, collection);
                    }
                });
                if (input.directory().startsWith(scratch.file(""))) {
                    // An unpacked archive has done its duty: its space is free from here on.
                    scratch.remove(scratch.file("input-" + place));
                }
                output.progress("inputs merged", place + 1L, inputs.size());
            }
        }
    }
}
