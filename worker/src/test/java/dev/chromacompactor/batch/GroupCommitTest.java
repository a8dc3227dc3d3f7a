package dev.chromacompactor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.CommitOutcome.Committed;
import dev.chromacompactor.snapshot.CommitOutcome.LostRace;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Manifests;
import dev.chromacompactor.snapshot.Publisher;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.snapshot.UnsureBucket.Fate;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Chunk jobs and final merges of many batches side by side, everything but the folding of records. */
class GroupCommitTest {
    private static final int BATCHES = 12;
    private static final int CHUNKS = 3;

    @TempDir
    Path nothing;

    private final Fixture f = new Fixture();

    @Test
    void every_chunk_of_every_batch_is_inside_once_however_often_its_messages_run() throws Exception {
        f.bucket.fates(key -> key.endsWith("latest-pointer.txt")
                        && ThreadLocalRandom.current().nextInt(4) == 0
                ? Fate.APPLIED_BUT_UNKNOWN
                : Fate.ANSWERED);
        List<String> batches =
                IntStream.range(0, BATCHES).mapToObj(i -> "b" + i).toList();
        batches.forEach(batch -> f.enqueue(batch, Policy.PUBLISH, CHUNKS));
        try (var workers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> jobs = new ArrayList<>();
            for (int delivery = 0; delivery < 2; delivery++) {
                for (String batch : batches) {
                    for (int i = 0; i < CHUNKS; i++) {
                        int chunk = i;
                        jobs.add(workers.submit(() -> processChunk(batch, chunk)));
                    }
                }
            }
            for (Future<?> job : jobs) {
                job.get();
            }
        }

        var live = (Live.Ours) catalog().live();
        List<String> expected = new ArrayList<>();
        batches.forEach(batch -> {
            for (int i = 0; i < CHUNKS - 1; i++) {
                expected.add(batch + "/" + i);
            }
        });
        assertThat(live.manifest().lineage().chunks())
                .extracting(chunk -> chunk.name().text())
                .containsExactlyInAnyOrderElementsOf(expected);
        assertThat(live.manifest().lineage().excused())
                .extracting(Lineage.Excuse::chunk)
                .containsExactlyInAnyOrderElementsOf(batches.stream()
                        .map(batch -> ChunkName.of(batch, CHUNKS - 1))
                        .toList());
        assertThat(live.manifest().seq())
                .as("the winner takes the others' chunks along")
                .isLessThanOrEqualTo(BATCHES);

        batches.forEach(batch -> {
            f.receipts.raise(f.done(batch, CHUNKS - 1, 100));
            finalMerge(batch);
        });
        finalMerge("b0");
        live = (Live.Ours) catalog().live();
        assertThat(new HashSet<>(live.manifest().lineage().chunks())).hasSize(BATCHES * CHUNKS);
        assertThat(live.manifest().lineage().excused()).isEmpty();
        assertThat(f.open.list()).isEmpty();
    }

    /** The last chunk of each batch is broken. */
    private void processChunk(String batch, int chunk) {
        f.receipts.raise(chunk == CHUNKS - 1 ? Fixture.failed(batch, chunk) : f.done(batch, chunk, 100));
        if (f.fanIn.look(batch).orElseThrow().settled()) {
            finalMerge(batch);
        }
    }

    private void finalMerge(String batch) {
        var publisher = new Publisher(f.bucket, "words");
        while (true) {
            Live live = catalog().live();
            Base base = live instanceof Live.Ours ours ? Base.of(ours) : Base.NONE;
            Take take =
                    Take.decide(base, f.fanIn.open("words"), f.fanIn.look(batch).orElseThrow());
            if (take.nothing()) {
                f.open.close(take.closed());
                return;
            }
            String version = publisher.freshVersion(live);
            Manifest mine = Manifests.manifest(
                    live,
                    version,
                    List.of(),
                    f.bucket::now,
                    take.chunks(version),
                    take.inputs(version),
                    take.excuses());
            publisher.upload(nothing, mine);
            switch (publisher.commit(live, mine)) {
                case Committed committed -> assertThat(committed.version()).isNotEmpty();
                case LostRace lost -> assertThat(lost.now()).isInstanceOf(Live.Ours.class);
            }
        }
    }

    private SnapshotCatalog catalog() {
        return new SnapshotCatalog(f.bucket, "words");
    }
}
