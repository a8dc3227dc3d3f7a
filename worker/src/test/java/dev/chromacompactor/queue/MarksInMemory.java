package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.AttemptMarks;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Attempt marks that several workers share, in a bucket that may be out of reach. */
final class MarksInMemory implements AttemptMarks {
    private final Map<String, TreeMap<Integer, Mark>> marks = new HashMap<>();
    boolean outage;

    @Override
    public synchronized List<Mark> of(String messageId) {
        requireReachable();
        return List.copyOf(marks.getOrDefault(messageId, new TreeMap<>()).values());
    }

    @Override
    public synchronized void open(String messageId, Mark mark) {
        requireReachable();
        marks.computeIfAbsent(messageId, _ -> new TreeMap<>()).putIfAbsent(mark.receive(), mark);
    }

    @Override
    public synchronized void close(String messageId, Mark mark) {
        requireReachable();
        marks.computeIfAbsent(messageId, _ -> new TreeMap<>()).put(mark.receive(), mark);
    }

    @Override
    public synchronized void remove(String messageId, Collection<Integer> receives) {
        requireReachable();
        marks.getOrDefault(messageId, new TreeMap<>()).keySet().removeAll(receives);
    }

    synchronized int count() {
        return marks.values().stream().mapToInt(TreeMap::size).sum();
    }

    private void requireReachable() {
        if (outage) {
            throw new FailureException(Blame.DEPENDENCY, "s3-unreachable", "no bucket");
        }
    }
}
