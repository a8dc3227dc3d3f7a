package dev.chromacompactor.compaction;

import org.jspecify.annotations.Nullable;

/**
 * One delta to fold.
 *
 * @param collection where the records of a delta with one collection go; null keeps the name
 * @param position chunk index × 2²⁰ + place in the chunk
 * @param declaredCount records it should hold, informative
 */
public record DeltaInput(
        LocatedDelta located,
        @Nullable String collection,
        long position,
        @Nullable Long declaredCount) {}
