/** Chroma's vector index, in hnswlib's file layout: reading, checking, building. */
@NullMarked
package dev.chromacompactor.chroma.hnsw;

import org.jspecify.annotations.NullMarked;
