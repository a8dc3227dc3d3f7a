package dev.chromacompactor.snapshot;

/**
 * What a collector makes of one version.
 *
 * @param version its id, or the name of a folder that is no version of ours
 * @param why for people
 */
public record Verdict(String version, Fate fate, String why) {
    public enum Fate {
        /** What the pointer names. */
        LIVE,
        /** Among the newest that were live. */
        NEWEST,
        /** Superseded a short while ago. */
        LATELY,
        PINNED,
        /** Numbered above the live one: its pointer write may still be under way. */
        MAY_WIN,
        /** Not ours: nothing is known about it. */
        FOREIGN,
        /** A version between it and the live one is missing, so nobody knows whether it was live. */
        BELOW_GAP,
        /** Nothing refers to it, and nothing can any more. */
        DEAD
    }
}
