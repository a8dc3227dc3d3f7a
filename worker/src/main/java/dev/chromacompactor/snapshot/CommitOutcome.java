package dev.chromacompactor.snapshot;

/** What became of the one pointer write. */
public sealed interface CommitOutcome {
    /**
     * The chunks are inside.
     *
     * @param version the live version that holds them: mine, or another publisher's
     */
    record Committed(String version) implements CommitOutcome {}

    /** Somebody else published first and without (all of) my chunks: build again on {@code now}, under a new id. */
    record LostRace(Live now, String why) implements CommitOutcome {}
}
