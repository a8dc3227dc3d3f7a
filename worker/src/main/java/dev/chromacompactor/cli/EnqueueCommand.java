package dev.chromacompactor.cli;

import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.message.Trace;
import dev.chromacompactor.producer.Chunking;
import dev.chromacompactor.producer.Discovery;
import dev.chromacompactor.producer.Producer;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "enqueue",
        description = {
            "Plans a batch of deltas and sends it to the queue.",
            "--prefix sends what is not in the live snapshot, not rolled back, not older than the snapshot's horizon and in no open batch; --delta what it names.",
            "Repeating it is safe: the same --batch with the same deltas is the same batch, with others it is refused."
        },
        footer = {
            "",
            "Examples:",
            "  compactor enqueue --database words --prefix words/delta/ --dry-run",
            "  compactor enqueue --database words --prefix words/delta/ --watch",
            "  compactor enqueue --database words --delta words/delta/abc123/ --batch b-20261124",
            "",
            "TRACEPARENT (W3C trace context) in the environment is carried on to the last log line of the batch."
        })
final class EnqueueCommand implements Callable<Integer> {
    private static final DateTimeFormatter BATCH_TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @ArgGroup(multiplicity = "1")
    private Which which = new Which();

    static final class Which {
        @Option(
                names = "--prefix",
                paramLabel = "PREFIX",
                description = "All fresh deltas below it, such as words/delta/.")
        private @Nullable String prefix;

        @Option(names = "--delta", paramLabel = "KEY", description = "This one; may be repeated.")
        private @Nullable List<String> deltas;
    }

    @Option(names = "--batch", paramLabel = "ID", description = "Batch id; made from the time unless named.")
    private @Nullable String batch;

    @Option(
            names = "--chunk-size",
            paramLabel = "N",
            defaultValue = "10",
            description = "Deltas in a chunk at most; ${DEFAULT-VALUE} unless named.")
    private int chunkSize;

    @Option(
            names = "--chunk-bytes",
            paramLabel = "N",
            defaultValue = "268435456",
            description = "Bytes of deltas in a chunk at most; ${DEFAULT-VALUE} unless named. A larger delta is alone.")
    private long chunkBytes;

    @Option(
            names = "--group-size",
            paramLabel = "N",
            defaultValue = "16",
            description = {
                "Chunks in a group at most; ${DEFAULT-VALUE} unless named, 0 for none.",
                "Groups are merged before the final merge, in batches of more than twice as many chunks."
            })
    private int groupSize;

    @Option(
            names = "--on-failed-chunk",
            paramLabel = "POLICY",
            defaultValue = "publish",
            description = "publish: go on without it and say so (the default); hold: publish nothing until all are in.")
    private Policy policy = Policy.PUBLISH;

    @Option(
            names = "--collection",
            paramLabel = "NAME",
            description = "Where the records of deltas with one collection go; else names are kept.")
    private @Nullable String collection;

    @Option(names = "--dry-run", description = "Print the plan, write nothing.")
    private boolean dryRun;

    @Option(
            names = "--watch",
            description =
                    "Wait until nothing more is to come, with progress and how long it may take. Exit code 3 if a chunk is not inside.")
    private boolean watch;

    private final Context context;

    @Mixin
    private final Output output;

    private final Following.Pace pace = Thread::sleep;

    EnqueueCommand(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    /**
     * @param chunks the deltas of each, by key
     * @param groups the chunks of each, by index; empty: none
     * @param traceId what the log lines of all that follows are marked with; null: nothing was sent
     */
    record Sent(
            String batchId,
            String database,
            Policy policy,
            boolean dryRun,
            List<List<String>> chunks,
            List<List<Integer>> groups,
            int deltas,
            long bytes,
            Map<String, Integer> leftOut,
            @Nullable String traceId) {}

    @Override
    public Integer call() throws InterruptedException {
        String name = database.name();
        var chunking = chunking();
        String id = batch == null ? newBatch() : DatabaseOption.checked("--batch", batch);
        String[] required = dryRun ? new String[] {Config.BUCKET} : new String[] {Config.BUCKET, Config.QUEUE_URL};
        try (Connection connection = context.connect(required)) {
            var producer = new Producer(connection.store(), name);
            Discovery found = discover(producer);
            found.counts().forEach((why, count) -> output.line("left out " + count + ": " + why.words()));
            if (found.fresh().isEmpty()) {
                output.result(
                        new Sent(id, name, policy, dryRun, List.of(), List.of(), 0, 0, counts(found), null),
                        found.leftOut().isEmpty() ? "nothing lies below " + which.prefix : "nothing to send");
                return 0;
            }
            Plan plan = producer.plan(id, found.fresh(), chunking, policy, collection);
            if (dryRun) {
                report(plan, found, null);
                return 0;
            }
            Trace trace = trace();
            trace.run(() -> producer.send(plan, connection.queue()));
            if (!watch) {
                report(plan, found, trace.traceId());
                return 0;
            }
            output.line(summary(plan, found));
            return new Following(connection.store(), id, output, false, context.clock(), pace).untilOver();
        }
    }

    private Chunking chunking() {
        if (chunkSize < 1 || chunkBytes < 1 || groupSize < 0) {
            throw new UsageException("--chunk-size %d, --chunk-bytes %d, --group-size %d: at least 1, 1 and 0"
                    .formatted(chunkSize, chunkBytes, groupSize));
        }
        return new Chunking(chunkSize, chunkBytes, groupSize);
    }

    private Discovery discover(Producer producer) {
        if (which.prefix != null) {
            output.step("looking for deltas below " + which.prefix);
            return producer.discover(which.prefix, batch);
        }
        var named = new LinkedHashSet<LocatedDelta>();
        if (which.deltas != null) {
            which.deltas.forEach(key -> named.add(producer.named(key)));
        }
        return new Discovery(List.copyOf(named), List.of());
    }

    /** A step of the trace that the caller names in the usual variable, or a trace of its own. */
    private Trace trace() {
        return Trace.parse(context.environment().getOrDefault("TRACEPARENT", ""))
                .map(Trace::next)
                .orElseGet(Trace::start);
    }

    private void report(Plan plan, Discovery found, @Nullable String traceId) {
        List<List<String>> chunks = plan.parts().stream()
                .map(part -> ((Plan.Part.Deltas) part)
                        .deltas().stream().map(Plan.Delta::key).toList())
                .toList();
        var text = new StringBuilder(summary(plan, found));
        if (dryRun) {
            for (int chunk = 0; chunk < chunks.size(); chunk++) {
                text.append("\n  chunk ").append(chunk);
                chunks.get(chunk).forEach(key -> text.append("\n    ").append(key));
            }
            for (int group = 0; group < plan.groups().size(); group++) {
                List<Integer> members = plan.groups().get(group);
                text.append("\n  group %d: chunks %d to %d".formatted(group, members.getFirst(), members.getLast()));
            }
            text.append("\nnothing was written");
        }
        var sent = new Sent(
                plan.batch(),
                plan.database(),
                plan.policy(),
                dryRun,
                chunks,
                plan.groups(),
                found.fresh().size(),
                bytes(found),
                counts(found),
                traceId);
        output.result(sent, text.toString());
    }

    private String summary(Plan plan, Discovery found) {
        int groups = plan.groups().size();
        return "%s batch %s: %d deltas (%,d bytes) in %d chunks%s"
                .formatted(
                        dryRun ? "would send" : "sent",
                        plan.batch(),
                        found.fresh().size(),
                        bytes(found),
                        plan.parts().size(),
                        groups == 0 ? "" : ", merged in %d groups".formatted(groups));
    }

    private static long bytes(Discovery found) {
        return found.fresh().stream().mapToLong(LocatedDelta::bytes).sum();
    }

    private static Map<String, Integer> counts(Discovery found) {
        var counts = new TreeMap<String, Integer>();
        found.counts().forEach((why, count) -> counts.put(why.name().toLowerCase(Locale.ROOT), count));
        return counts;
    }

    private String newBatch() {
        var random = new byte[3];
        new SecureRandom().nextBytes(random);
        Instant now = context.clock().instant();
        return "b-" + BATCH_TIME.format(now) + "-" + HexFormat.of().formatHex(random);
    }
}
