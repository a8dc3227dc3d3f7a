package dev.chromacompactor.job;

import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.snapshot.Json;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.Content;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Attempt marks as small objects:
 *
 * <pre>
 * attempts/&lt;message id&gt;/&lt;receive&gt;     {"format":1,"receive","at","build","failure","fingerprint"}
 * </pre>
 *
 * <p>A message without trouble never has one. A listing is followed by a read of each, of which there are few.
 */
public final class MarksInBucket implements AttemptMarks {
    private static final int FORMAT = 1;

    private final ObjectStore store;

    public MarksInBucket(ObjectStore store) {
        this.store = store;
    }

    /** @param at milliseconds since the epoch */
    private record Stored(
            int format,
            int receive,
            long at,
            String build,
            @Nullable Failure failure,
            @Nullable String fingerprint) {}

    @Override
    public List<Mark> of(String messageId) {
        return store.list(folder(messageId)).stream()
                .map(info -> store.read(info.key()))
                .flatMap(Optional::stream)
                .map(MarksInBucket::mark)
                .sorted(Comparator.comparingInt(Mark::receive))
                .toList();
    }

    @Override
    public void open(String messageId, Mark mark) {
        // Whatever the answer is: a mark that is there stays, and one that nobody confirmed is as good as missing.
        var _ = store.putIfAbsent(key(messageId, mark.receive()), Json.write(stored(mark)));
    }

    @Override
    public void close(String messageId, Mark mark) {
        var _ = store.put(key(messageId, mark.receive()), Json.write(stored(mark)));
    }

    @Override
    public void remove(String messageId, Collection<Integer> receives) {
        store.delete(receives.stream().map(receive -> key(messageId, receive)).toList());
    }

    private static Mark mark(Content content) {
        Stored stored = Json.read(content.bytes(), Stored.class, content.info().key());
        return new Mark(
                stored.receive(),
                Instant.ofEpochMilli(stored.at()),
                stored.build(),
                stored.failure(),
                stored.fingerprint());
    }

    private static Stored stored(Mark mark) {
        return new Stored(
                FORMAT, mark.receive(), mark.at().toEpochMilli(), mark.build(), mark.failure(), mark.fingerprint());
    }

    private static String key(String messageId, int receive) {
        return folder(messageId) + receive;
    }

    private static String folder(String messageId) {
        return "attempts/" + messageId + "/";
    }
}
