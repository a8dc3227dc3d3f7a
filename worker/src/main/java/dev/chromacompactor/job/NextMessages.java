package dev.chromacompactor.job;

import dev.chromacompactor.batch.Next;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.message.StageMessages;
import java.util.List;

/** Bodies for what a batch needs next. */
public final class NextMessages {
    private NextMessages() {}

    public static List<String> of(Plan plan, List<Next> next) {
        return of(plan.batch(), plan.database(), next);
    }

    static List<String> of(String batch, String database, List<Next> next) {
        return next.stream()
                .map(each -> switch (each) {
                    case Next.Chunk(int index) -> StageMessages.processChunk(batch, index, database);
                    case Next.Group(int index) -> StageMessages.mergeGroup(batch, index, database);
                    case Next.Publish() -> StageMessages.finalMerge(batch, database);
                })
                .toList();
    }
}
