package dev.chromacompactor.snapshot;

import dev.chromacompactor.store.MemoryObjectStore;

/** A process that is killed. Nothing may catch it. */
final class Killed extends Error {
    private static final long serialVersionUID = 1;

    /** Runs {@code work} and kills it before its call number {@code at}, counted from 1. @return whether it was killed */
    static boolean at(int at, MemoryObjectStore store, Runnable work) {
        var left = new int[] {at};
        store.onCall(_ -> {
            if (--left[0] == 0) {
                throw new Killed();
            }
        });
        try {
            work.run();
            return false;
        } catch (Killed e) {
            return true;
        } finally {
            store.onCall(_ -> {});
        }
    }
}
