package dev.chromacompactor.cli;

import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.control.Landing;
import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "pause",
        description = {
            "Stops polling and publishing, or with --database the publishing of one database, until resumed.",
            "Workers notice within 5 seconds, and let a poll of 20 seconds and running jobs end. Nothing is lost, no attempt is spent.",
            "It is no fence: a commit under way may land. --wait returns when none can."
        },
        footer = {
            "",
            "Examples:",
            "  compactor pause --reason 'bucket moves tonight' --wait",
            "  compactor pause --database words --until PT2H --reason 'labels are being written'",
            "  compactor pause --until 2026-11-24T18:00:00Z --reason maintenance"
        })
final class PauseCommand implements Callable<Integer> {
    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "Only what this database publishes; chunks are folded further. Everything unless named.")
    private @Nullable String database;

    @Option(
            names = "--until",
            paramLabel = "WHEN",
            description = "Ends by itself then: a time such as 2026-11-24T18:00:00Z, or from now such as PT2H.")
    private @Nullable String until;

    @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why; status and logs show it.")
    private String reason = "";

    @Option(
            names = "--wait",
            description =
                    "Return when no commit under way can land any more, after COMPACTOR_DRAIN_TIMEOUT at the latest.")
    private boolean wait;

    private final Context context;

    @Mixin
    private final Output output;

    private final Landing.Pace pace;

    PauseCommand(Context context) {
        this(context, length -> Thread.sleep(length));
    }

    PauseCommand(Context context, Landing.Pace pace) {
        this.context = context;
        this.output = new Output(context);
        this.pace = pace;
    }

    /**
     * @param replaced the reason of the pause that was there before; null: there was none
     * @param mayLand with {@code --wait}: versions that are still there as if they could win; null without it
     */
    record Paused(
            @Nullable String database,
            String reason,
            String by,
            Instant since,
            @Nullable Instant until,
            @Nullable String replaced,
            @Nullable List<String> mayLand) {}

    @Override
    public Integer call() throws InterruptedException {
        String name = database == null ? null : DatabaseOption.checked("--database", database);
        if (reason.isBlank()) {
            throw new UsageException("--reason: say why");
        }
        Instant now = context.clock().instant();
        Instant end = end(now);
        try (Connection connection = context.connect(Config.BUCKET)) {
            var pauses = new Pauses(connection.store(), context.clock());
            Optional<Pause> before = pauses.holding(name);
            var pause = new Pause(reason, System.getProperty("user.name"), now, end);
            pauses.write(name, pause);
            List<String> left = wait ? landing(connection, name) : null;
            report(name, pause, before.map(Pause::reason).orElse(null), left);
        }
        return 0;
    }

    private List<String> landing(Connection connection, @Nullable String name) throws InterruptedException {
        output.step("waiting until no commit can land");
        var databases = name == null ? Databases.in(connection.store()) : List.of(name);
        return new Landing(connection.store(), context.clock(), pace)
                .await(databases, connection.config().drainTimeout());
    }

    private void report(@Nullable String name, Pause pause, @Nullable String replaced, @Nullable List<String> left) {
        var text = new StringBuilder(name == null ? "paused: polling and publishing" : "paused: publishing of " + name);
        text.append("\n  ").append(pause.words());
        if (replaced != null) {
            text.append("\n  instead of the pause before: ").append(replaced);
        }
        if (left != null) {
            text.append(
                    left.isEmpty()
                            ? "\n  no commit can land any more"
                            : "\n  waited as long as a commit may take; left behind by workers that died, it seems:");
            left.forEach(each -> text.append("\n    ").append(each));
        }
        text.append("\ncompactor resume")
                .append(name == null ? "" : " --database " + name)
                .append(" ends it");
        output.result(
                new Paused(
                        name,
                        pause.reason(),
                        String.valueOf(pause.by()),
                        context.clock().instant(),
                        pause.until(),
                        replaced,
                        left),
                text.toString());
    }

    private @Nullable Instant end(Instant now) {
        if (until == null) {
            return null;
        }
        Instant end;
        try {
            end = until.startsWith("P")
                    ? now.plus(Duration.parse(until))
                    : OffsetDateTime.parse(until).toInstant();
        } catch (DateTimeException e) {
            throw new UsageException("--until " + until
                    + ": a time with its zone, such as 2026-11-24T18:00:00Z, or a duration such as PT2H");
        }
        if (!end.isAfter(now)) {
            throw new UsageException("--until " + until + ": is not in the future");
        }
        return end;
    }
}
