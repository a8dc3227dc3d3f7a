package dev.chromacompactor.cli;

import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.store.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "resume",
        description = {
            "Ends a pause. Workers notice within 5 seconds.",
            "Asks anew for the publishes that were put off, if COMPACTOR_QUEUE_URL is set; without it they come within hours by themselves."
        },
        footer = {"", "Examples:", "  compactor resume", "  compactor resume --database words"})
final class ResumeCommand implements Callable<Integer> {
    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "The pause of this database. The one of everything unless named.")
    private @Nullable String database;

    private final Context context;

    @Mixin
    private final Output output;

    ResumeCommand(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    /**
     * @param resumed false if nothing was paused
     * @param reason of the pause that was ended
     * @param stillPaused databases that stay paused by themselves, or all by the pause of everything
     * @param sent batches whose publish was asked for anew
     */
    record Resumed(
            @Nullable String database,
            boolean resumed,
            @Nullable String reason,
            List<String> stillPaused,
            List<String> sent) {}

    @Override
    public Integer call() {
        String name = database == null ? null : DatabaseOption.checked("--database", database);
        try (Connection connection = context.connect(Config.BUCKET)) {
            ObjectStore store = connection.store();
            var pauses = new Pauses(store, context.clock());
            Optional<Pause> pause = pauses.read(name);
            boolean held =
                    pause.filter(each -> each.holds(context.clock().instant())).isPresent();
            if (pause.isPresent()) {
                pauses.remove(name);
            }
            List<String> databases = name == null ? Databases.in(store) : List.of(name);
            boolean everything = name != null && pauses.holding(null).isPresent();
            List<String> paused = databases.stream()
                    .filter(each -> everything || pauses.holding(each).isPresent())
                    .toList();
            List<String> sent = held && connection.config().queueUrl() != null
                    ? send(
                            connection,
                            databases.stream()
                                    .filter(each -> !paused.contains(each))
                                    .toList())
                    : List.of();
            report(name, held, pause.map(Pause::reason).orElse(null), paused, sent);
        }
        return 0;
    }

    /** A publish that was put off waits for hours; one that comes twice finds nothing left to take. */
    private static List<String> send(Connection connection, List<String> databases) {
        var batches = new ArrayList<String>();
        var bodies = new ArrayList<String>();
        for (String each : databases) {
            var lineage = connection.catalog(each).live().lineage();
            for (Standing open : new FanIn(connection.store()).open(each)) {
                if (open.against(lineage).ready()) {
                    batches.add(open.batch());
                    bodies.add(StageMessages.finalMerge(open.batch(), each));
                }
            }
        }
        connection.queue().send(bodies);
        return batches;
    }

    private void report(
            @Nullable String name, boolean held, @Nullable String reason, List<String> paused, List<String> sent) {
        String what = name == null ? "polling and publishing" : "publishing of " + name;
        var text =
                new StringBuilder(held ? "resumed: " + what + "\n  was paused: " + reason : what + " was not paused");
        if (!held && reason != null) {
            text.append("; a pause that had ended by itself is removed: ").append(reason);
        }
        if (!paused.isEmpty()) {
            text.append(
                    name == null
                            ? "\n  still paused by themselves: " + String.join(", ", paused)
                            : "\n  everything is paused still: compactor resume ends that");
        }
        if (!sent.isEmpty()) {
            text.append("\n  asked anew to publish: ").append(String.join(", ", sent));
        }
        output.result(new Resumed(name, held, reason, paused, sent), text.toString());
    }
}
