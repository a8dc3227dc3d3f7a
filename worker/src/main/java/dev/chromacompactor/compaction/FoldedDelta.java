package dev.chromacompactor.compaction;

import dev.chromacompactor.chroma.Ledger;
import dev.chromacompactor.chroma.SchemaLevel;
import dev.chromacompactor.chroma.Stamp;
import java.util.List;

/**
 * What one delta brought into an intermediate.
 *
 * @param records live records it held
 * @param warnings what its producer should know, in sentences; never a reason to refuse it
 */
public record FoldedDelta(
        DeltaInput input, Stamp stamp, SchemaLevel level, long records, Ledger ledger, List<String> warnings) {
    public FoldedDelta {
        warnings = List.copyOf(warnings);
    }
}
