package dev.chromacompactor.upkeep;

import dev.chromacompactor.batch.Next;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What would bring an open batch further: {@link Standing#next}, but no final merge that would find nothing to do. What
 * failed waits for a person, what is refused has its letter: each further look would only write another one.
 */
final class Needs {
    private Needs() {}

    /**
     * @param seen whatever is published
     * @param published the batch's history; null if none was written yet
     * @param expired whether all its inputs are before the horizon: then it is only to be closed
     */
    static List<Next> of(Standing seen, Lineage live, @Nullable Published published, boolean expired) {
        if (expired) {
            return List.of(new Next.Publish());
        }
        Standing batch = seen.against(live);
        List<Next> next = batch.next();
        boolean inVain = next.contains(new Next.Publish()) && published != null && !news(batch, live, published);
        return inVain ? List.of() : next;
    }

    /** Whether a final merge would publish something, or close the batch. */
    private static boolean news(Standing batch, Lineage live, Published published) {
        Set<ChunkName> revoked =
                live.revoked().chunks().stream().map(Lineage.Chunk::name).collect(Collectors.toSet());
        boolean over = true;
        for (Item item : batch.items()) {
            boolean out = revoked.contains(item.name());
            switch (item.state()) {
                case State.Done done -> {
                    if (!out && !refused(item, done, live, published)) {
                        return true;
                    }
                    over &= out;
                }
                case State.Failed _, State.Missing _ -> over &= out;
                case State.Empty _, State.Inside _ -> {}
            }
        }
        return over;
    }

    /** The history remembers refusals too of which no version was made. It only keeps us from asking twice. */
    private static boolean refused(Item item, State.Done done, Lineage live, Published published) {
        Stream<Excuse> excuses = Stream.concat(live.excused().stream(), published.excused().stream());
        return excuses.anyMatch(excuse -> excuse.chunk().equals(item.name())
                && excuse.input() == null
                && done.etag().equals(excuse.etag()));
    }
}
