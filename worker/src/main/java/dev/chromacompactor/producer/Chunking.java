package dev.chromacompactor.producer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/**
 * How a batch is cut: deltas into chunks, and the chunks of a large batch into groups.
 *
 * @param deltas in a chunk, at most
 * @param bytes of objects in a chunk, at most; a larger delta is a chunk of its own
 * @param group chunks in a group, at most; 0: no groups. Batches of up to two such groups have none
 */
public record Chunking(int deltas, long bytes, int group) {
    /** Ten deltas or 256 MiB, and groups of 16 in a batch of more than 32 chunks. */
    public static final Chunking DEFAULT = new Chunking(10, 256L << 20, 16);

    /** @throws IllegalArgumentException if a chunk would hold nothing */
    public Chunking {
        if (deltas < 1 || bytes < 1 || group < 0) {
            throw new IllegalArgumentException(
                    "chunks of " + deltas + " deltas and " + bytes + " bytes, groups of " + group);
        }
    }

    public Chunking withDeltas(int most) {
        return new Chunking(most, bytes, group);
    }

    public Chunking withBytes(long most) {
        return new Chunking(deltas, most, group);
    }

    public Chunking withGroup(int most) {
        return new Chunking(deltas, bytes, most);
    }

    /** Neighbours together, in the order given. */
    <T> List<List<T>> chunks(List<T> all, ToLongFunction<T> size) {
        var chunks = new ArrayList<List<T>>();
        var chunk = new ArrayList<T>();
        long held = 0;
        for (T each : all) {
            long more = size.applyAsLong(each);
            if (!chunk.isEmpty() && (chunk.size() == deltas || more > bytes - held)) {
                chunks.add(List.copyOf(chunk));
                chunk.clear();
                held = 0;
            }
            chunk.add(each);
            held += more;
        }
        if (!chunk.isEmpty()) {
            chunks.add(List.copyOf(chunk));
        }
        return chunks;
    }

    /** Neighbours together, as evenly as it goes: the last group is not left with one chunk. */
    List<List<Integer>> groups(int chunks) {
        if (group == 0 || chunks <= 2L * group) {
            return List.of();
        }
        int count = (chunks + group - 1) / group;
        return IntStream.range(0, count)
                .mapToObj(
                        i -> IntStream.range((int) ((long) chunks * i / count), (int) ((long) chunks * (i + 1) / count))
                                .boxed()
                                .toList())
                .toList();
    }
}
