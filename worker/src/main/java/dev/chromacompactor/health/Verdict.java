package dev.chromacompactor.health;

import java.util.List;

/**
 * An answer with its reasons.
 *
 * @param problems why not; empty if it is well
 * @param notes what else one should know, though it is no reason to restart
 */
public record Verdict(boolean well, List<String> problems, List<String> notes) {
    public Verdict {
        problems = List.copyOf(problems);
        notes = List.copyOf(notes);
    }

    static Verdict of(List<String> problems, List<String> notes) {
        return new Verdict(problems.isEmpty(), problems, notes);
    }
}
