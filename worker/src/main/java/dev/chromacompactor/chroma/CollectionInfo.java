package dev.chromacompactor.chroma;

import org.jspecify.annotations.Nullable;

/**
 * One collection as its database describes it.
 *
 * @param id its UUID inside this database
 * @param dimension null as long as it never held a record
 * @param m hnsw's M ({@code max_neighbors}), 16 unless configured
 * @param efConstruction hnsw's ef while building, 100 unless configured
 * @param vectorSegment UUID of the VECTOR segment, the name of its folder
 * @param metadataSegment UUID of the METADATA segment
 */
public record CollectionInfo(
        String id,
        String name,
        @Nullable Integer dimension,
        Space space,
        int m,
        int efConstruction,
        String vectorSegment,
        String metadataSegment) {}
