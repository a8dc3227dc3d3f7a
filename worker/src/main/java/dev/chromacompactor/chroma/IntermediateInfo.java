package dev.chromacompactor.chroma;

import java.util.List;

/**
 * What can be told of an intermediate without folding it.
 *
 * @param seedLevel of its input with the smallest stamp: what a snapshot without a base gets
 * @param first the smallest stamp inside
 * @param last the largest
 * @param inputs key of each input's stamp, in stamp order
 */
public record IntermediateInfo(SchemaLevel seedLevel, Stamp first, Stamp last, List<String> inputs) {}
