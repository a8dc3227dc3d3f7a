package dev.chromacompactor.compaction;

import java.util.function.Supplier;

/**
 * Repeats a step of several calls that a passing fault of the store can spoil. The step begins anew each time: nothing of
 * what an earlier try left may disturb the next one.
 */
public interface Repeat {
    /** @param what for people: what is being done, with which id */
    <T> T call(String what, Supplier<T> step);
}
