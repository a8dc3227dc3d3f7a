package dev.chromacompactor.job;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Letters for what is refused, each once for this job. Before the pointer names a version whose manifest remembers
 * the refusal: from then on it is no news, and whoever comes after us would send none.
 */
final class RefusalLetters {
    private final DeadLetterSink letters;
    private final String database;
    private final String own;
    private final Set<List<String>> sent = new HashSet<>();

    RefusalLetters(DeadLetterSink letters, String database, String own) {
        this.letters = letters;
        this.database = database;
        this.own = own;
    }

    void send(List<Excuse> refused) {
        for (Excuse excuse : refused) {
            String input = Objects.requireNonNullElse(excuse.input(), "");
            if (sent.add(List.of(excuse.chunk().text(), input, excuse.reason()))) {
                letter(excuse);
            }
        }
    }

    /**
     * A replay of the letter processes the chunk again, and its publish looks again whether it fits. What is no chunk of
     * a batch cannot be made again: then it only looks, by our batch, as each final merge looks at every open one.
     */
    private void letter(Excuse excuse) {
        ChunkName chunk = excuse.chunk();
        String batch = chunk.batch().orElse(own);
        String body = chunk.index()
                .map(index -> StageMessages.processChunk(batch, index, database))
                .orElseGet(() -> StageMessages.finalMerge(batch, database));
        letters.send(
                body,
                new Failure(
                        Blame.INPUT, excuse.reason(), "refused at publish, chunk " + chunk + ": " + excuse.message()));
    }
}
