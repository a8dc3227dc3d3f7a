package dev.chromacompactor.chroma;

import java.util.Locale;

/** The distance of a collection. */
public enum Space {
    /** Squared Euclidean distance. */
    L2,
    /** 1 − inner product. */
    IP,
    /** 1 − cosine; hnswlib keeps such vectors normalised. */
    COSINE;

    /** Chroma's name of it: {@code l2}, {@code ip}, {@code cosine}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
