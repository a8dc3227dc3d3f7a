package dev.chromacompactor.job;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.compaction.Deltas;
import dev.chromacompactor.compaction.LocatedDelta;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.Message.DeltaArrived;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.ProcessChunk;
import dev.chromacompactor.message.Names;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.Sha256;
import java.time.Duration;
import java.util.List;

/** A body that says that one delta has arrived: a batch of one, planned and processed at once. */
final class ArrivalJob {
    /** An announced {@code chroma.sqlite3} may be ahead of its segment files for so long. */
    private static final Duration UPLOAD_PATIENCE = Duration.ofMinutes(15);

    private final Tools tools;
    private final ChunkJob chunks;

    ArrivalJob(Tools tools, ChunkJob chunks) {
        this.tools = tools;
        this.chunks = chunks;
    }

    /** @return one line for the log */
    String run(DeltaArrived arrived) {
        DeltaRef ref = arrived.delta();
        LocatedDelta located = Deltas.locate(tools.store(ref.bucket()), ref.key());
        ProcessChunk chunk = plan(arrived, located);
        return chunks.run(
                chunk, located.archive() ? null : located.lastModified().plus(UPLOAD_PATIENCE));
    }

    void failed(DeltaArrived arrived, Failure failure) {
        DeltaRef ref = arrived.delta();
        Deltas.find(tools.store(ref.bucket()), ref.key())
                .ifPresent(located -> chunks.failed(plan(arrived, located), failure));
    }

    private ProcessChunk plan(DeltaArrived arrived, LocatedDelta located) {
        DeltaRef ref = arrived.delta();
        String database = arrived.database() != null ? arrived.database() : Names.databaseOf(List.of(ref));
        String etag = located.main().etag();
        String batch = "delta-"
                + Sha256.start()
                        .text(located.bucket())
                        .text(ref.key())
                        .text(etag)
                        .hex()
                        .substring(0, 32);
        ObjectStore store = tools.store();
        var delta = new Plan.Delta(
                ref.bucket(),
                ref.key(),
                etag,
                located.lastModified().toEpochMilli(),
                ref.collection(),
                ref.stampMillis());
        // What is planned stands: the same delta uploaded again, byte for byte, is the same batch.
        Plan plan =
                new Plans(store).createOrMeet(Plan.enqueued(batch, database, Policy.PUBLISH, List.of(List.of(delta))));
        new OpenBatches(store, plan.database()).open(batch);
        return new ProcessChunk(batch, List.of(0), false, plan.database(), null, null);
    }
}
