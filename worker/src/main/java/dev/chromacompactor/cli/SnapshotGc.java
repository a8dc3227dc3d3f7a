package dev.chromacompactor.cli;

import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.snapshot.Keep;
import dev.chromacompactor.snapshot.Verdict;
import dev.chromacompactor.snapshot.Verdict.Fate;
import dev.chromacompactor.snapshot.VersionCollector;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.upkeep.Leftovers;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "gc",
        description = {
            "Deletes versions that nothing needs: neither live nor among the newest COMPACTOR_KEEP_VERSIONS that were, superseded"
                    + " longer than COMPACTOR_KEEP_FOR ago, not pinned, and too low in number to become live.",
            "And what batches left: intermediates that are published, receipts and plans of batches closed for 30 days, marks of"
                    + " messages that are gone, uploads that nobody ended. Never deltas.",
            "Says what would go and why each other one stays, unless --yes."
        },
        footer = {
            "",
            "Examples:",
            "  compactor snapshot gc --database words",
            "  compactor snapshot gc --database words --yes",
            "  COMPACTOR_KEEP_VERSIONS=1 COMPACTOR_KEEP_FOR=PT0S compactor snapshot gc --database words --json"
        })
final class SnapshotGc extends SnapshotCommand.OnDatabase {
    @Option(names = "--yes", description = "Really do it; without it only says what would be done.")
    private boolean yes;

    SnapshotGc(Context context) {
        super(context);
    }

    /**
     * @param versions each with its fate, newest first; {@code dead} ones are gone, or would be
     * @param objects deleted, of versions
     * @param bytes deleted, likewise
     * @param leftovers by kind: gone, or would be
     */
    record Collected(
            String database,
            boolean dryRun,
            List<Verdict> versions,
            long objects,
            long bytes,
            List<Leftovers.Total> leftovers) {}

    @Override
    int run(Connection connection, String name) {
        var config = connection.config();
        var collector =
                new VersionCollector(connection.store(), name, new Keep(config.keepVersions(), config.keepFor()));
        var done = yes
                ? collector.collect((version, count, of) -> output.progress("deleted versions", count, of))
                : new VersionCollector.Collected(collector.plan(), 0, 0);
        output.step("looking for what batches left");
        List<Leftovers.Total> leftovers = leftovers(connection, name);
        output.result(
                new Collected(name, !yes, done.verdicts(), done.objects(), done.bytes(), leftovers),
                leftovers(leftovers) + text(name, done));
        return 0;
    }

    /** Of this database, and what belongs to none. */
    private List<Leftovers.Total> leftovers(Connection connection, String name) {
        var leftovers = new Leftovers(connection.store(), connection.config().keepFor());
        List<String> others = Databases.in(connection.store()).stream()
                .filter(each -> !each.equals(name))
                .toList();
        return yes
                ? leftovers.collect(List.of(name), others, () -> true, Metrics.none())
                : leftovers.total(List.of(name), others);
    }

    private String leftovers(List<Leftovers.Total> totals) {
        var text = new StringBuilder();
        for (Leftovers.Total each : totals) {
            text.append("%-9s %d leftovers of kind %s, %,d bytes\n"
                    .formatted(yes ? "deleted" : "would go", each.objects(), each.kind(), each.bytes()));
        }
        return text.toString();
    }

    private String text(String name, VersionCollector.Collected done) {
        if (done.verdicts().isEmpty()) {
            return "no versions of " + name + ": nothing was published yet";
        }
        var text = new StringBuilder();
        for (Verdict each : done.verdicts()) {
            String what = each.fate() == Fate.DEAD ? yes ? "deleted" : "would go" : "stays";
            text.append("%-9s %s  %s\n".formatted(what, each.version(), each.why()));
        }
        int dead = done.deleted().size();
        return text.append(
                        yes
                                ? "deleted %d versions, %,d objects, %,d bytes"
                                        .formatted(dead, done.objects(), done.bytes())
                                : "%d versions would be deleted; nothing was changed, --yes does it".formatted(dead))
                .toString();
    }
}
