package dev.chromacompactor.job;

import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.util.Collection;
import java.util.List;

/** What the chunks, or the groups, say of themselves: that they are done, had nothing in them, or went wrong for good. */
final class StageReceipts {
    private final Tools tools;
    private final Receipts receipts;
    private final Receipt.Kind kind;

    StageReceipts(Tools tools, Receipt.Kind kind) {
        this.tools = tools;
        this.receipts = new Receipts(tools.store());
        this.kind = kind;
    }

    /** Nothing to do again: the receipt says so, and what it speaks of is there, or published already and collected since. */
    boolean isDone(String batch, int index) {
        return (kind == Receipt.Kind.CHUNK ? receipts.chunk(batch, index) : receipts.group(batch, index))
                .filter(receipt -> receipt.status() == Receipt.Status.DONE)
                .filter(receipt -> receipt.intermediate() == null
                        || receipts.isThere(receipt.intermediate())
                        || isPublished(receipt))
                .isPresent();
    }

    private boolean isPublished(Receipt receipt) {
        Collection<ChunkName> inside =
                kind == Receipt.Kind.CHUNK ? List.of(ChunkName.of(receipt.batch(), receipt.index())) : receipt.covers();
        return new SnapshotCatalog(tools.store(), receipt.database())
                .live()
                .lineage()
                .names()
                .containsAll(inside);
    }

    void raiseEmpty(String database, String batch, int index) {
        var _ = receipts.raise(Receipt.empty(database, batch, kind, index, List.of(), tools.build()));
    }

    /** @param inputs as far as they are known, so that their times stay what they were first seen with */
    void raiseFailed(String database, String batch, int index, List<Receipt.Input> inputs, Failure failure) {
        var _ = receipts.raise(Receipt.failed(database, batch, kind, index, inputs, failure, tools.build()));
    }
}
