package dev.chromacompactor.cli;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Swept;
import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.question.Words;
import dev.chromacompactor.queue.DeadLetters;
import dev.chromacompactor.queue.Letter;
import dev.chromacompactor.queue.SqsQueue;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.store.ObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "status",
        description = {
            "One screen: the queue, dead letters by reason, open batches and their age, what is live, what is paused.",
            "Exit code 3 if something needs a person. Reading the letters' reasons hides them from others for up to two minutes."
        },
        footer = {"", "Examples:", "  compactor status", "  compactor status --json | jq -r '.attention[]'"})
final class StatusCommand implements Callable<Integer> {
    /** More letters than that are counted, not read: it would take minutes. */
    private static final int LETTERS_READ = 1000;
    /** A batch that has not ended by then waits for something that does not come by itself. */
    private static final Duration LONG_OPEN = Duration.ofDays(1);

    private final Context context;

    @Mixin
    private final Output output;

    StatusCommand(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    record Queue(long waiting, long inWork, long delayed) {}

    /** @param reasons how many for which; null if there are too many to read */
    record Letters(long count, @Nullable Map<String, Integer> reasons) {}

    /**
     * @param held nothing of it is published, as a chunk failed and its policy is hold
     * @param sweptSeconds since an idle worker last looked after it, as it was quiet; null: it never was
     */
    record Open(
            String batch,
            @Nullable Long openSeconds,
            int chunks,
            int missing,
            int failed,
            boolean held,
            @Nullable Long sweptSeconds) {}

    /** @param version the live one; null if nothing is published, or the bucket contradicts itself */
    record Database(
            String name,
            @Nullable String version,
            @Nullable Long records,
            @Nullable String trouble,
            List<Open> open) {}

    /** @param database null: everything */
    record Paused(
            @Nullable String database,
            String reason,
            @Nullable String by,
            @Nullable Instant since,
            @Nullable Instant until,
            @JsonIgnore boolean readable,
            @JsonIgnore String words) {}

    /** @param attention what needs a person, a sentence each */
    record Status(
            Queue queue, Letters letters, List<Database> databases, List<Paused> pauses, List<String> attention) {}

    @Override
    public Integer call() {
        try (Connection connection = context.connect(Config.QUEUE_URL, Config.DLQ_URL, Config.BUCKET)) {
            ObjectStore store = connection.store();
            output.step("looking at queue and bucket");
            SqsQueue.Depth depth = connection.queue().depth();
            List<String> names = Databases.in(store);
            List<Database> databases =
                    names.stream().map(name -> database(connection, name)).toList();
            Letters letters = letters(connection);
            List<Paused> pauses = pauses(store, names);
            var status = new Status(
                    new Queue(depth.visible(), depth.inFlight(), depth.delayed()),
                    letters,
                    databases,
                    pauses,
                    attention(letters, databases, pauses));
            output.result(status, text(status));
            return status.attention().isEmpty() ? 0 : ExitCode.FOUND_SOMETHING;
        }
    }

    private Letters letters(Connection connection) {
        SqsQueue.Depth depth = connection.deadLetterQueue().depth();
        long count = depth.visible() + depth.inFlight() + depth.delayed();
        if (count == 0) {
            return new Letters(0, Map.of());
        }
        if (count > LETTERS_READ) {
            return new Letters(count, null);
        }
        var found = new DeadLetters(connection.deadLetterQueue(), connection.queue(), context.clock())
                .list(Letter.Filter.ALL, (done, of) -> output.progress("reading letters", done, of));
        var reasons = new TreeMap<String, Integer>();
        found.forEach(letter -> reasons.merge(letter.reason(), 1, Integer::sum));
        return new Letters(Math.max(count, found.size()), reasons);
    }

    /** A database that contradicts itself must not hide the others. */
    private static Database database(Connection connection, String name) {
        ObjectStore store = connection.store();
        try {
            Live live = connection.catalog(name).live();
            Instant now = store.now();
            List<Open> open = new FanIn(store)
                    .open(name).stream()
                            .map(batch -> open(store, batch.against(live.lineage()), now))
                            .toList();
            return switch (live) {
                case Live.None _ -> new Database(name, null, null, null, open);
                case Live.Ours ours ->
                    new Database(
                            name, ours.version(), ours.manifest().contents().records(), null, open);
                case Live.Foreign foreign -> new Database(name, foreign.version(), null, null, open);
            };
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INVARIANT) {
                throw e;
            }
            return new Database(
                    name, null, null, e.failure().message() + " [" + e.failure().reason() + "]", List.of());
        }
    }

    private static Open open(ObjectStore store, Standing batch, Instant now) {
        Instant since = batch.openSince();
        return new Open(
                batch.batch(),
                since == null ? null : Math.max(0, Duration.between(since, now).toSeconds()),
                batch.items().size(),
                batch.missing().size(),
                batch.failed().size(),
                batch.plan().policy() == Policy.HOLD && !batch.failed().isEmpty(),
                Swept.read(store, batch.batch())
                        .map(swept -> Math.max(0, (now.toEpochMilli() - swept.at()) / 1000))
                        .orElse(null));
    }

    private List<Paused> pauses(ObjectStore store, List<String> databases) {
        var pauses = new Pauses(store, context.clock());
        var found = new ArrayList<Paused>();
        pauses.holding(null).ifPresent(pause -> found.add(paused(null, pause)));
        for (String database : databases) {
            Optional<Pause> pause = pauses.holding(database);
            pause.ifPresent(each -> found.add(paused(database, each)));
        }
        return found;
    }

    private static Paused paused(@Nullable String database, Pause pause) {
        return new Paused(
                database, pause.reason(), pause.by(), pause.since(), pause.until(), pause.readable(), pause.words());
    }

    private static List<String> attention(Letters letters, List<Database> databases, List<Paused> pauses) {
        var attention = new ArrayList<String>();
        if (letters.count() > 0) {
            attention.add(letters.count() + (letters.count() == 1 ? " dead letter" : " dead letters")
                    + ": compactor dlq list says why");
        }
        for (Database database : databases) {
            if (database.trouble() != null) {
                attention.add(database.name() + ": nothing is published, since " + database.trouble());
            }
            for (Open open : database.open()) {
                if (open.held()) {
                    attention.add("batch " + open.batch() + " is on hold: " + open.failed()
                            + " chunks failed; mend and replay them");
                } else if (open.openSeconds() != null && open.openSeconds() > LONG_OPEN.toSeconds()) {
                    attention.add("batch " + open.batch() + " is open for " + age(open.openSeconds()) + ": "
                            + (open.missing() > 0
                                    ? open.missing() + " chunks have neither result nor letter"
                                    : "its publish did not happen"));
                }
            }
        }
        pauses.stream()
                .filter(pause -> !pause.readable())
                .forEach(pause -> attention.add(Pauses.key(pause.database()) + ": " + pause.reason()));
        return attention;
    }

    private static String text(Status status) {
        var text = new StringBuilder();
        field(
                text,
                "queue",
                "%,d waiting, %,d in work, %,d delayed"
                        .formatted(
                                status.queue().waiting(),
                                status.queue().inWork(),
                                status.queue().delayed()));
        field(text, "dead letters", letters(status.letters()));
        for (Database database : status.databases()) {
            field(text, "database", database.name() + ": " + live(database));
            for (Open open : database.open()) {
                field(text, "  open batch", open(open));
            }
        }
        for (Paused pause : status.pauses()) {
            field(text, "paused", (pause.database() == null ? "everything" : pause.database()) + ": " + pause.words());
        }
        status.attention().forEach(each -> field(text, "needs you", each));
        if (status.attention().isEmpty()) {
            field(text, "needs you", "nothing");
        }
        return text.toString().stripTrailing();
    }

    private static String letters(Letters letters) {
        Map<String, Integer> reasons = letters.reasons();
        if (reasons == null) {
            return "%,d, too many to read here".formatted(letters.count());
        }
        return letters.count() == 0
                ? "none"
                : letters.count() + ": "
                        + String.join(
                                ", ",
                                reasons.entrySet().stream()
                                        .sorted(Map.Entry.<String, Integer>comparingByValue()
                                                .reversed())
                                        .map(each -> each.getValue() + " " + each.getKey())
                                        .toList());
    }

    private static String live(Database database) {
        if (database.trouble() != null) {
            return "in trouble";
        }
        if (database.version() == null) {
            return "nothing published yet";
        }
        return database.version()
                + (database.records() == null
                        ? ", made by another writer"
                        : ", %,d records".formatted(database.records()));
    }

    private static String open(Open open) {
        return open.batch() + ": " + (open.chunks() - open.missing() - open.failed()) + " of " + open.chunks()
                + " chunks folded"
                + (open.failed() > 0 ? ", " + open.failed() + " failed" : "")
                + (open.openSeconds() == null ? "" : ", for " + age(open.openSeconds()))
                + (open.sweptSeconds() == null ? "" : ", swept " + age(open.sweptSeconds()) + " ago");
    }

    private static String age(long seconds) {
        return Words.age(Duration.ofSeconds(seconds));
    }

    private static void field(StringBuilder text, String name, String value) {
        text.append("%-14s %s\n".formatted(name, value));
    }
}
