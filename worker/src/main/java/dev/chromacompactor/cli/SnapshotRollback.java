package dev.chromacompactor.cli;

import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Rollback;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "rollback",
        description = {
            "Publishes the content of an earlier version again, as a new version. Shows what would change, unless --yes.",
            "What is taken out stays out, whoever sends it again, until snapshot release lets it in.",
            "It goes on while publishing is paused. Exit code 75 if another version was published meanwhile: nothing is changed."
        },
        footer = {
            "",
            "Examples:",
            "  compactor snapshot rollback --database words 20261124_081530_000042_1f2e3d4c",
            "  compactor snapshot rollback --database words 20261124_081530_000042_1f2e3d4c \\",
            "      --expect 20261124_093000_000044_5a6b7c8d --yes"
        })
final class SnapshotRollback extends SnapshotCommand.OnVersion {
    @Option(
            names = "--expect",
            paramLabel = "VERSION",
            description = "The version that you believe to be live; another one: exit code 1, nothing is changed.")
    private @Nullable String expected;

    @Option(names = "--yes", description = "Really do it; without it only says what would be done.")
    private boolean yes;

    SnapshotRollback(Context context) {
        super(context);
    }

    /**
     * @param reverts the version whose content is, or would be, live
     * @param before the live version that was found
     * @param version the new one; null: none was made
     * @param takenOut chunks that are inside no longer
     * @param broughtBack chunks that an earlier rollback had taken out
     */
    record RolledBack(
            String database,
            boolean dryRun,
            String reverts,
            String before,
            @Nullable String version,
            long recordsBefore,
            long records,
            List<ChunkName> takenOut,
            List<ChunkName> broughtBack) {}

    @Override
    int run(Connection connection, String name) {
        var rollback = new Rollback(connection.store(), name, Compactor.version());
        Rollback.Plan plan = rollback.plan(version(), expected);
        if (plan.done()) {
            report(name, plan, plan.live().version());
            return 0;
        }
        if (yes) {
            output.step("copying %,d bytes and reading them back".formatted(SnapshotCommand.bytes(plan.target())));
            report(name, plan, rollback.run(plan).version());
        } else {
            report(name, plan, null);
        }
        return 0;
    }

    private void report(String name, Rollback.Plan plan, @Nullable String made) {
        Manifest before = plan.live().manifest();
        Manifest target = plan.target();
        var text = new StringBuilder(
                plan.done()
                        ? "%s is live and has the content of %s already".formatted(made, target.version())
                        : made == null
                                ? "would roll back " + name + " to " + target.version()
                                : "rolled back " + name + " to the content of " + target.version() + ", as " + made);
        text.append("\n  number %d, %,d records; live was %s, number %d, %,d records"
                .formatted(
                        target.seq(),
                        target.contents().records(),
                        before.version(),
                        before.seq(),
                        before.contents().records()));
        list(text, "out, until released", plan.takenOut());
        list(text, "back in", plan.broughtBack());
        if (made == null) {
            text.append(
                    "\nnothing was changed; this does it:\n  compactor snapshot rollback --database %s %s --expect %s --yes"
                            .formatted(name, target.version(), before.version()));
        }
        output.result(
                new RolledBack(
                        name,
                        made == null,
                        target.version(),
                        before.version(),
                        made,
                        before.contents().records(),
                        target.contents().records(),
                        plan.takenOut(),
                        plan.broughtBack()),
                text.toString());
    }

    private static void list(StringBuilder text, String what, List<ChunkName> chunks) {
        if (!chunks.isEmpty()) {
            text.append("\n  ").append(what).append(":");
            chunks.forEach(chunk -> text.append("\n    ").append(chunk));
        }
    }
}
