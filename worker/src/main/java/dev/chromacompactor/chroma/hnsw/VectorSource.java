package dev.chromacompactor.chroma.hnsw;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Vectors by id, in the order in which they are to be inserted, read one at a time and perhaps twice, so none needs to be on the heap. */
public interface VectorSource {
    int count();

    /** The id of vector {@code i}; no id occurs twice. */
    String id(int i);

    /** Writes vector {@code i} as its producer gave it: float32, little-endian, as many as {@code into} has room for. Any thread may call it. */
    void read(int i, MemorySegment into);

    /**
     * Vectors one after the other in a (mapped) segment.
     *
     * @param ids in the order of the vectors
     * @param vectors float32, little-endian, without gaps
     */
    static VectorSource of(List<String> ids, MemorySegment vectors) {
        return new VectorSource() {
            @Override
            public int count() {
                return ids.size();
            }

            @Override
            public String id(int i) {
                return ids.get(i);
            }

            @Override
            public void read(int i, MemorySegment into) {
                MemorySegment.copy(vectors, i * into.byteSize(), into, 0, into.byteSize());
            }
        };
    }
}
