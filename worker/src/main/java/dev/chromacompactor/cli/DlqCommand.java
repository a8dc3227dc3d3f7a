package dev.chromacompactor.cli;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.queue.DeadLetters;
import dev.chromacompactor.queue.Letter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "dlq",
        description = "Dead letters: why they are there, and sending them back.",
        subcommands = {DlqList.class, DlqShow.class, DlqReplay.class, DlqDrop.class},
        footer = {
            "",
            "Examples:",
            "  compactor dlq list",
            "  compactor dlq list --json --reason sqlite-corrupt",
            "  compactor dlq show 5f0c…",
            "  compactor dlq replay --batch b-20261124            what would be sent",
            "  compactor dlq replay --batch b-20261124 --yes      sends it"
        })
final class DlqCommand implements Runnable {
    @Override
    public void run() {
        throw new UsageException("name what to do: list, show, replay or drop");
    }

    /** Which letters are meant; all conditions together. */
    static final class FilterOptions {
        @Option(names = "--id", paramLabel = "ID", description = "Of the letter or of the original message.")
        private @Nullable String id;

        @Option(names = "--reason", paramLabel = "REASON", description = "Such as sqlite-corrupt.")
        private @Nullable String reason;

        @Option(
                names = "--class",
                paramLabel = "CLASS",
                description = "Whose fault: input, doubtful, dependency, node, conflict or invariant.")
        private @Nullable Blame blame;

        @Option(names = "--operation", paramLabel = "NAME", description = "Such as process_chunk.")
        private @Nullable String operation;

        @Option(names = "--batch", paramLabel = "ID", description = "The batch_id of the message.")
        private @Nullable String batch;

        @Option(names = "--database", paramLabel = "NAME", description = "The database of the message.")
        private @Nullable String database;

        @Option(names = "--older-than", paramLabel = "AGE", description = "ISO-8601, such as PT1H.")
        private @Nullable Duration minAge;

        @Option(names = "--younger-than", paramLabel = "AGE", description = "ISO-8601, such as P1D.")
        private @Nullable Duration maxAge;

        Letter.Filter filter() {
            return new Letter.Filter(
                    id, reason, blame == null ? null : blame.label(), operation, batch, database, minAge, maxAge);
        }
    }

    /** What the four have in common. */
    abstract static class OnLetters implements Callable<Integer> {
        private final Context context;

        @Mixin
        final Output output;

        OnLetters(Context context) {
            this.context = context;
            this.output = new Output(context);
        }

        @Override
        public Integer call() {
            try (Connection connection = context.connect(Config.QUEUE_URL, Config.DLQ_URL)) {
                return run(new DeadLetters(connection.deadLetterQueue(), connection.queue(), context.clock()));
            }
        }

        abstract int run(DeadLetters letters);
    }

    /** Replay and drop: a dry run unless told otherwise. */
    abstract static class OnMany extends OnLetters {
        @Mixin
        final FilterOptions filter = new FilterOptions();

        @Option(names = "--yes", description = "Really do it; without it only says what would be done.")
        boolean yes;

        OnMany(Context context) {
            super(context);
        }

        void report(DeadLetters.Result result, String did, String would) {
            List<Letter> letters = result.letters();
            output.result(
                    Map.of(
                            "dry_run",
                            !yes,
                            "taken",
                            result.taken(),
                            "letters",
                            letters.stream().map(Letter::toJson).toList()),
                    letters.isEmpty()
                            ? "no dead letters match"
                            : lines(letters) + "\n"
                                    + (yes
                                            ? did.formatted(result.taken())
                                            : would.formatted(letters.size()) + "; nothing was done, --yes does it"));
        }
    }

    static String lines(List<Letter> letters) {
        return String.join("\n", letters.stream().map(DlqCommand::line).toList());
    }

    static String line(Letter letter) {
        return "%s  %s  %s%s  since %s\n    %s"
                .formatted(
                        letter.id(),
                        letter.reason(),
                        letter.operation() == null ? "(no operation)" : letter.operation(),
                        letter.batchId() == null ? "" : " of " + letter.batchId(),
                        letter.sentAt(),
                        letter.report() == null
                                ? "moved here by SQS itself after too many receives"
                                : letter.report().message());
    }

    /** How many for which reason, the most frequent first. */
    static String tally(List<Letter> letters) {
        var counts = new TreeMap<String, Integer>();
        letters.forEach(letter -> counts.merge(letter.reason(), 1, Integer::sum));
        return String.join(
                ", ",
                counts.entrySet().stream()
                        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                        .map(each -> each.getValue() + " " + each.getKey())
                        .toList());
    }
}
