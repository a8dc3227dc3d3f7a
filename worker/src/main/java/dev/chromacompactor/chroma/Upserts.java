package dev.chromacompactor.chroma;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.chromacompactor.chroma.hnsw.VectorSource;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Records whose vectors go into an index, which lie in the scratch of their fold. There may be very many, so none is an object: each takes its id in UTF-8 and 12 bytes. */
final class Upserts implements VectorSource {
    private final VectorScratch scratch;
    private byte[] ids = new byte[1 << 10];
    private int[] ends = new int[1 << 6];
    private long[] rows = new long[1 << 6];
    private int count;

    Upserts(VectorScratch scratch) {
        this.scratch = scratch;
    }

    void add(String id, long row) {
        byte[] utf8 = id.getBytes(UTF_8);
        int start = start(count);
        int end = Math.addExact(start, utf8.length);
        if (end > ids.length) {
            ids = Arrays.copyOf(ids, Math.max(end, larger(ids.length)));
        }
        if (count == rows.length) {
            ends = Arrays.copyOf(ends, larger(count));
            rows = Arrays.copyOf(rows, ends.length);
        }
        System.arraycopy(utf8, 0, ids, start, utf8.length);
        ends[count] = end;
        rows[count++] = row;
    }

    private static int larger(int size) {
        return (int) Math.min(Integer.MAX_VALUE - 8, size + (size >> 1) + 1L);
    }

    private int start(int i) {
        return i == 0 ? 0 : ends[i - 1];
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public String id(int i) {
        return new String(ids, start(i), ends[i] - start(i), UTF_8);
    }

    @Override
    public void read(int i, MemorySegment into) {
        scratch.copy(rows[i], into);
    }
}
