package dev.chromacompactor.batch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Ledger;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.UnsureBucket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Batches of the database {@code words} whose chunk {@code i} has the one delta {@code words/delta/<batch>-<i>/}. */
final class Fixture {
    static final long DAY = 86_400_000;

    final UnsureBucket bucket = new UnsureBucket();
    final Plans plans = new Plans(bucket);
    final Receipts receipts = new Receipts(bucket);
    final FanIn fanIn = new FanIn(bucket);
    final OpenBatches open = new OpenBatches(bucket, "words");

    static Plan plan(String batch, Policy policy, int chunks) {
        return plan(batch, policy, chunks, List.of());
    }

    static Plan plan(String batch, Policy policy, int chunks, List<List<Integer>> groups) {
        return Plan.enqueued(
                batch,
                "words",
                policy,
                IntStream.range(0, chunks)
                        .mapToObj(i -> List.of(new Plan.Delta(null, delta(batch, i), "etag", 100, "words", null)))
                        .toList(),
                groups);
    }

    /** Groups of two neighbours. */
    Plan enqueuePairs(String batch, Policy policy, int chunks) {
        List<List<Integer>> pairs = IntStream.range(0, (chunks + 1) / 2)
                .mapToObj(pair -> IntStream.range(2 * pair, Math.min(chunks, 2 * pair + 2))
                        .boxed()
                        .toList())
                .toList();
        Plan plan = plans.create(plan(batch, policy, chunks, pairs));
        open.open(batch);
        return plan;
    }

    /** Writes the output of a planned group that holds these chunks, and gives the receipt that names it. */
    Receipt group(String batch, int group, Receipt... chunks) {
        String key = BatchKeys.databaseFile(BatchKeys.group(batch, group));
        bucket.putIfAbsent(key, ("group " + batch + group).getBytes(UTF_8));
        Receipt first = chunks[0];
        return new Receipt(
                Receipt.FORMAT,
                "words",
                batch,
                Receipt.Kind.GROUP,
                group,
                Receipt.Status.DONE,
                Stream.of(chunks)
                        .map(chunk -> new Receipt.Input(
                                BatchKeys.chunk(batch, chunk.index()),
                                object(chunk).etag(),
                                null,
                                0,
                                null,
                                10))
                        .toList(),
                Stream.of(chunks)
                        .map(chunk -> ChunkName.of(batch, chunk.index()))
                        .toList(),
                new Receipt.Intermediate(key, bucket.head(key).orElseThrow().etag(), 8, "sha"),
                first.collections(),
                first.level(),
                false,
                20,
                null,
                "digest",
                List.of(),
                null,
                null,
                Map.of(),
                "test");
    }

    static Receipt failedGroup(String batch, int group) {
        return Receipt.failed(
                "words",
                batch,
                Receipt.Kind.GROUP,
                group,
                List.of(),
                new Failure(Blame.INPUT, "worker-died", "three workers"),
                "test");
    }

    Plan enqueue(String batch, Policy policy, int chunks) {
        Plan plan = plans.create(plan(batch, policy, chunks));
        open.open(batch);
        return plan;
    }

    static String delta(String batch, int chunk) {
        return "words/delta/" + batch + "-" + chunk + "/";
    }

    static List<Receipt.Input> inputs(String batch, int chunk, long millis) {
        return List.of(new Receipt.Input(
                delta(batch, chunk), "id-" + batch + "-" + chunk, millis, (long) chunk << 20, millis, 10));
    }

    /** Writes the intermediate and gives the receipt that names it. */
    Receipt done(String batch, int chunk, long millis) {
        return done(batch, chunk, inputs(batch, chunk, millis), 8, "l2", 6, false, "rows");
    }

    Receipt done(
            String batch,
            int chunk,
            List<Receipt.Input> inputs,
            int dimension,
            String space,
            int metadb,
            boolean lists,
            String content) {
        String key = BatchKeys.databaseFile(BatchKeys.chunk(batch, chunk));
        bucket.putIfAbsent(key, (content + batch + chunk).getBytes(UTF_8));
        String etag = bucket.head(key).orElseThrow().etag();
        return new Receipt(
                Receipt.FORMAT,
                "words",
                batch,
                Receipt.Kind.CHUNK,
                chunk,
                Receipt.Status.DONE,
                inputs,
                List.of(),
                new Receipt.Intermediate(key, etag, 7, "sha"),
                List.of(new Manifest.Collection("words", "id", 10, dimension, space)),
                new Manifest.Level(10, metadb, 2),
                lists,
                10,
                new Ledger(0, 10, 10, 0, 0, 0, 0, 0, 10),
                "digest",
                List.of(),
                null,
                null,
                Map.of("fold", 5L),
                "test");
    }

    static Receipt.Intermediate object(Receipt receipt) {
        return Objects.requireNonNull(receipt.intermediate());
    }

    static Receipt failed(String batch, int chunk) {
        return failed(batch, chunk, "sqlite-corrupt");
    }

    static Receipt failed(String batch, int chunk, String reason) {
        return Receipt.failed(
                "words",
                batch,
                Receipt.Kind.CHUNK,
                chunk,
                List.of(new Receipt.Input(delta(batch, chunk), null, null, (long) chunk << 20, 100L, 0)),
                new Failure(Blame.INPUT, reason, "page 3 of " + delta(batch, chunk)),
                "test");
    }

    static Receipt empty(String batch, int chunk) {
        return Receipt.empty("words", batch, Receipt.Kind.CHUNK, chunk, new ArrayList<>(), "test");
    }

    static void assertRefused(ThrowingCallable call, String reason) {
        assertThatThrownBy(call).isInstanceOfSatisfying(FailureException.class, e -> {
            assertThat(e.failure().reason()).isEqualTo(reason);
            assertThat(e.failure().blame()).isEqualTo(Blame.INPUT);
        });
    }
}
