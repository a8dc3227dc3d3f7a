package dev.chromacompactor.compaction;

import java.util.function.LongConsumer;

/** Asks for more room when an archive unpacks to more than was reserved for it. Of one archive, however often it is unpacked. */
final class Growth implements LongConsumer {
    private final Scratch scratch;
    private long granted;

    Growth(LocatedDelta archive, Scratch scratch) {
        this.scratch = scratch;
        this.granted = CostModel.unpacked(archive);
    }

    @Override
    public void accept(long bytes) {
        if (bytes > granted) {
            scratch.reserveMore(CostModel.unpackedMore(bytes - granted));
            granted = bytes;
        }
    }
}
