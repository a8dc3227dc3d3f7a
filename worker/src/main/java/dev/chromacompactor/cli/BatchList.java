package dev.chromacompactor.cli;

import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.question.Words;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "list",
        description =
                "The batches that are open, oldest first: how many of their chunks have a result, and for how long.",
        footer = {
            "",
            "Examples:",
            "  compactor batch list",
            "  compactor batch list --database words --all --limit 20",
            "  compactor batch list --json | jq -r '.[] | select(.failed > 0) | .batch_id'"
        })
final class BatchList implements Callable<Integer> {
    @Option(names = "--database", paramLabel = "NAME", description = "Only its batches; those of all unless named.")
    private @Nullable String database;

    @Option(names = "--all", description = "Also those that are closed, newest first, as long as they are remembered.")
    private boolean all;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "50",
            description = "With --all: so many closed ones at most; ${DEFAULT-VALUE} unless named.")
    private int limit;

    private final Context context;

    @Mixin
    private final Output output;

    BatchList(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    /**
     * Of an open batch without a plan, and of what only an open one has, the columns are null.
     *
     * @param settled chunks with a result, of whatever kind
     * @param failed of these
     * @param inside of these, in the live version; of a closed batch, as its {@code published.json} says
     * @param since when it was opened, or when it was last published
     */
    record Row(
            String batchId,
            String database,
            boolean open,
            Instant since,
            long seconds,
            @Nullable Policy policy,
            @Nullable Integer chunks,
            @Nullable Integer settled,
            @Nullable Integer failed,
            @Nullable Integer inside,
            @Nullable String version) {
        String line() {
            String age = Words.age(Duration.ofSeconds(seconds));
            if (!open) {
                return "%s  %s  closed, %s ago: %s"
                        .formatted(
                                batchId,
                                database,
                                age,
                                version == null
                                        ? "nothing to publish"
                                        : inside + " chunks inside since " + version
                                                + (failed == null || failed == 0 ? "" : ", " + failed + " excused"));
            }
            return "%s  %s  open for %s: %s"
                    .formatted(
                            batchId,
                            database,
                            age,
                            chunks == null
                                    ? "no plan"
                                    : "%d of %d chunks settled%s%s, %d inside"
                                            .formatted(
                                                    settled,
                                                    chunks,
                                                    failed == null || failed == 0 ? "" : ", " + failed + " failed",
                                                    policy == Policy.HOLD ? ", hold" : "",
                                                    inside));
        }
    }

    @Override
    public Integer call() {
        String name = database == null ? null : DatabaseOption.checked("--database", database);
        if (limit < 1) {
            throw new UsageException("--limit " + limit + ": at least 1");
        }
        try (Connection connection = context.connect(Config.BUCKET)) {
            ObjectStore store = connection.store();
            output.step("looking for open batches");
            var rows = new ArrayList<Row>();
            for (String each : name == null ? Databases.in(store) : List.of(name)) {
                rows.addAll(open(connection, each));
            }
            rows.sort(Comparator.comparing(Row::since).thenComparing(Row::batchId));
            if (all) {
                Set<String> open = new HashSet<>();
                rows.forEach(row -> open.add(row.batchId()));
                rows.addAll(closed(store, name, open));
            }
            output.result(
                    rows,
                    rows.isEmpty()
                            ? "no batch is open" + (all ? " or remembered" : "; --all shows closed ones")
                            : String.join("\n", rows.stream().map(Row::line).toList()));
            return 0;
        }
    }

    private List<Row> open(Connection connection, String name) {
        ObjectStore store = connection.store();
        List<OpenBatches.Marker> markers = new OpenBatches(store, name).list();
        if (markers.isEmpty()) {
            return List.of();
        }
        Instant now = store.now();
        Lineage lineage = lineage(connection, name);
        return markers.stream()
                .map(marker -> row(store, name, marker, lineage, now))
                .toList();
    }

    private static Row row(ObjectStore store, String name, OpenBatches.Marker marker, Lineage lineage, Instant now) {
        Optional<Plan> plan = new Plans(store).read(marker.batch());
        if (plan.isEmpty()) {
            return new Row(
                    marker.batch(),
                    name,
                    true,
                    marker.since(),
                    age(marker.since(), now),
                    null,
                    null,
                    null,
                    null,
                    null,
                    null);
        }
        Standing batch = new FanIn(store).look(plan.get()).against(lineage);
        int chunks = batch.items().size();
        return new Row(
                marker.batch(),
                name,
                true,
                marker.since(),
                age(marker.since(), now),
                plan.get().policy(),
                chunks,
                chunks - batch.missing().size(),
                batch.failed().size(),
                (int) batch.items().stream()
                        .filter(item -> item.state() instanceof State.Inside)
                        .count(),
                null);
    }

    /** A bucket that contradicts itself is when one wants the list most: so it is said, and the list goes on. */
    private Lineage lineage(Connection connection, String name) {
        try {
            return connection.catalog(name).live().lineage();
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INVARIANT) {
                throw e;
            }
            output.warn(e.failure().message() + " [" + e.failure().reason() + "]");
            return Lineage.EMPTY;
        }
    }

    /** One listing of everything that batches left, then only the newest are read. */
    private List<Row> closed(ObjectStore store, @Nullable String name, Set<String> open) {
        var published = new ArrayList<ObjectInfo>();
        String batches = "batches/";
        store.list(batches, info -> {
            String batch = info.key().substring(batches.length()).replaceFirst("/.*", "");
            if (info.key().equals(BatchKeys.published(batch)) && !open.contains(batch)) {
                published.add(info);
            }
        });
        published.sort(Comparator.comparing(ObjectInfo::lastModified).reversed());
        Instant now = store.now();
        var rows = new ArrayList<Row>();
        for (ObjectInfo info : published) {
            if (rows.size() == limit) {
                break;
            }
            String batch = info.key().substring(batches.length()).replaceFirst("/.*", "");
            Published.read(store, batch)
                    .filter(each -> name == null || each.database().equals(name))
                    .map(each -> new Row(
                            batch,
                            each.database(),
                            false,
                            info.lastModified(),
                            age(info.lastModified(), now),
                            null,
                            null,
                            null,
                            each.excused().size(),
                            each.inside().size(),
                            each.version()))
                    .ifPresent(rows::add);
        }
        return rows;
    }

    private static long age(Instant since, Instant now) {
        return Math.max(0, Duration.between(since, now).toSeconds());
    }
}
