package dev.chromacompactor.cli;

import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.question.BatchAnswer;
import dev.chromacompactor.question.Questions;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "show",
        description = "Its plan, what became of each part and how long that took, and what was published.",
        footer = {
            "",
            "Examples:",
            "  compactor batch show b-20261124",
            "  compactor batch show b-20261124 --json | jq '.parts[] | select(.state == \"failed\") | .receipt.failure'"
        })
final class BatchShow extends BatchCommand.OfBatch {
    BatchShow(Context context) {
        super(context);
    }

    /**
     * @param receipt null if it has none
     * @param deltas keys, as the plan names them
     */
    record Part(
            ChunkName chunk,
            String state,
            @Nullable String key,
            List<String> deltas,
            @Nullable Receipt receipt) {}

    /** @param receipt null as long as it is not merged */
    record Group(int group, List<Integer> chunks, @Nullable Receipt receipt) {}

    /** @param published history; the state is told by the live manifest */
    record Shown(
            String batchId,
            String database,
            BatchAnswer.State state,
            String because,
            Plan.Origin origin,
            Policy policy,
            List<Part> parts,
            List<Group> groups,
            @Nullable Published published) {}

    @Override
    int run(Connection connection, String batch) {
        ObjectStore store = connection.store();
        Plan plan = new Plans(store)
                .read(batch)
                .orElseThrow(() -> FailureException.input(
                        "batch-unknown",
                        "batch " + batch + " has no plan; compactor batch explain " + batch
                                + " says what else is known of it"));
        BatchAnswer answer = new Questions(store).explain(batch);
        Standing standing = standing(store, plan, answer);
        var receipts = new Receipts(store);
        List<Part> parts = standing.items().stream()
                .map(item -> part(receipts, batch, item))
                .toList();
        var groups = new ArrayList<Group>();
        for (int group = 0; group < plan.groups().size(); group++) {
            groups.add(new Group(
                    group,
                    plan.groups().get(group),
                    receipts.group(batch, group).orElse(null)));
        }
        var shown = new Shown(
                batch,
                plan.database(),
                answer.state(),
                answer.because(),
                plan.origin(),
                plan.policy(),
                parts,
                groups,
                Published.read(store, batch).orElse(null));
        output.result(shown, text(shown));
        return 0;
    }

    private static Standing standing(ObjectStore store, Plan plan, BatchAnswer answer) {
        Standing seen = new FanIn(store).look(plan);
        return answer.state() == BatchAnswer.State.PUBLISHING_HALTED
                ? seen
                : seen.against(
                        new SnapshotCatalog(store, plan.database()).live().lineage());
    }

    private static Part part(Receipts receipts, String batch, Standing.Item item) {
        Receipt receipt = switch (item.part()) {
            case Plan.Part.Deltas(int index, var _) ->
                receipts.chunk(batch, index).orElse(null);
            case Plan.Part.Chunk(int index) -> receipts.chunk(batch, index).orElse(null);
            case Plan.Part.Elsewhere(String prefix) ->
                receipts.ofIntermediate(prefix).orElse(null);
            case Plan.Part.Empty _, Plan.Part.Failed _ -> null;
        };
        List<String> deltas = item.part() instanceof Plan.Part.Deltas(int _, List<Plan.Delta> planned)
                ? planned.stream().map(Plan.Delta::key).toList()
                : List.of();
        String state = switch (item.state()) {
            case State.Missing _ -> "missing";
            case State.Failed _ -> "failed";
            case State.Empty _ -> "empty";
            case State.Inside _ -> "inside";
            case State.Done _ -> "folded";
        };
        return new Part(item.name(), state, item.key(), deltas, receipt);
    }

    private static String text(Shown shown) {
        var text = new StringBuilder("batch %s of %s: %s%n  %s%n  planned by %s, policy %s"
                .formatted(
                        shown.batchId(),
                        shown.database(),
                        shown.state().label(),
                        shown.because(),
                        origin(shown.origin()),
                        shown.policy().name().toLowerCase(Locale.ROOT)));
        shown.parts().forEach(part -> part(text, part));
        for (Group group : shown.groups()) {
            text.append("\n  group ")
                    .append(group.group())
                    .append(" of chunks ")
                    .append(group.chunks())
                    .append(": ");
            text.append(group.receipt() == null ? "not merged yet" : facts(group.receipt()));
        }
        Published published = shown.published();
        if (published != null) {
            text.append("\n  published.json: ")
                    .append(published.version() == null ? "nothing to publish" : published.version())
                    .append(", %,d records, %d chunks inside, %d excused"
                            .formatted(
                                    published.totalEmbeddings(),
                                    published.inside().size(),
                                    published.excused().size()));
        }
        return text.toString();
    }

    private static String origin(Plan.Origin origin) {
        return switch (origin) {
            case ENQUEUED -> "its producer";
            case LISTED -> "the list of its first final merge";
            case COUNTED -> "the number of chunks in its first final merge";
        };
    }

    private static void part(StringBuilder text, Part part) {
        text.append("\n  %s: %s".formatted(part.chunk(), part.state()));
        Receipt receipt = part.receipt();
        if (receipt != null) {
            text.append(", ").append(facts(receipt));
            receipt.warnings().forEach(warning -> text.append("\n    warning: ").append(warning));
            if (receipt.failure() != null) {
                text.append("\n    ")
                        .append(receipt.failure().reason())
                        .append(": ")
                        .append(receipt.failure().message());
            }
        }
        part.deltas().forEach(delta -> text.append("\n    ").append(delta));
    }

    private static String facts(Receipt receipt) {
        Map<String, Long> timings = new TreeMap<>(receipt.timings());
        return "%,d records of %d inputs"
                        .formatted(receipt.records(), receipt.inputs().size())
                + (timings.isEmpty()
                        ? ""
                        : timings.entrySet().stream()
                                .map(each -> each.getKey().replace('_', ' ') + " " + each.getValue() + " ms")
                                .collect(Collectors.joining(", ", " (", ")")));
    }
}
