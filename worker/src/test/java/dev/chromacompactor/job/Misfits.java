package dev.chromacompactor.job;

import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whole fixtures as deltas, mostly such as do not fit to the small ones. */
final class Misfits {
    private Misfits() {}

    static void put(ObjectStore store, String version, String fixture, String key, Path scratch) {
        try {
            SmallDelta.upload(
                    store, key, ChromaFixtures.unpack(version, fixture, Files.createTempDirectory(scratch, "fixture")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
