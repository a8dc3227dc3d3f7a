package dev.chromacompactor.job;

import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.message.Message.ChunkResult;

/** What earlier stages answered, as parts of a plan. */
final class Parts {
    private Parts() {}

    static Plan.Part of(ChunkResult result) {
        return switch (result) {
            case ChunkResult.Intermediate(String key) -> new Plan.Part.Elsewhere(key);
            case ChunkResult.Empty _ -> new Plan.Part.Empty();
            case ChunkResult.Failed(String what) -> new Plan.Part.Failed(what);
        };
    }
}
