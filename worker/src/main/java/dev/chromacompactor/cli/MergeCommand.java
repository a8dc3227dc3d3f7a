package dev.chromacompactor.cli;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.Ledger;
import dev.chromacompactor.chroma.ReadAhead;
import dev.chromacompactor.chroma.Seal;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.chroma.Summary;
import dev.chromacompactor.compaction.Scratch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
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

    /** As many inputs for each thread are read, or lie ready, while a base is copied. */
    private static final int READY = 4;

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

    @Override
    public Integer call() throws IOException {
        int atOnce = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
        if (atOnce < 1) {
            throw new UsageException("--threads " + atOnce + ": at least 1");
        }
        try (NewDirectory target = NewDirectory.at(out)) {
            Path content = target.scratch().directory("out");
            Summary summary = fold(atOnce, content, target.scratch());
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

    private Summary fold(int atOnce, Path content, Scratch scratch) {
        try (Fold fold = base == null ? Fold.fresh(content) : Fold.expecting(content)) {
            try (ReadAhead deltas = fold.reading(sources(scratch), atOnce, READY * atOnce)) {
                if (base != null) {
                    // It takes long, and the first inputs are read meanwhile.
                    output.step("copying the base");
                    fold.begin(false, copied(base, content, scratch));
                }
                apply(deltas, fold, scratch);
            }
            output.step("building and checking the index");
            return fold.finishSealed(0);
        }
    }

    private List<ReadAhead.Source> sources(Scratch scratch) {
        return IntStream.range(0, inputs.size())
                .mapToObj(place -> new ReadAhead.Source(() -> opened(place, scratch), collection))
                .toList();
    }

    private ChromaDatabase opened(int place, Scratch scratch) {
        return ChromaDatabase.openChecked(Local.database(inputs.get(place), () -> scratch.directory(unpacked(place))));
    }

    private static String unpacked(int place) {
        return "input-" + place;
    }

    /**
     * Makes a private copy of a base. One that we left as it is now was proven then; any other is checked like an input.
     *
     * @return the digest of its records, if it was proven
     */
    private static @Nullable String copied(Path named, Path content, Scratch scratch) {
        return Local.about(named, () -> {
                    Path directory = Local.database(named, () -> scratch.directory("base"));
                    Optional<String> proven = Seal.copy(directory, content);
                    if (proven.isEmpty()) {
                        ChromaDatabase.open(content).close();
                    }
                    return proven;
                })
                .orElse(null);
    }

    private void apply(ReadAhead deltas, Fold fold, Scratch scratch) {
        long now = context.clock().millis();
        for (int place = 0; place < inputs.size(); place++) {
            Path input = inputs.get(place);
            var stamp = new Stamp(now, place, input.toString());
            Local.about(input, () -> {
                try (ChromaDatabase delta = deltas.next()) {
                    return fold.apply(delta, stamp, collection);
                }
            });
            // An unpacked archive has done its duty: its space is free as soon as the fold lets go of its file.
            scratch.remove(scratch.file(unpacked(place)));
            output.progress("inputs merged", place + 1L, inputs.size());
        }
    }
}
