package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Names of the files of a VECTOR segment, reading small ones whole, and how their damage is called. */
final class IndexFiles {
    static final String DATA = "data_level0.bin";
    static final String LENGTHS = "length.bin";
    static final String LINKS = "link_lists.bin";
    static final String METADATA = "index_metadata.pickle";

    private IndexFiles() {}

    static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        } catch (OutOfMemoryError e) {
            throw torn(file, "is too large to be one");
        }
    }

    /** The file's contents contradict themselves or another file's. */
    static FailureException torn(Path file, String what) {
        return FailureException.input("index-torn", "reading " + file + ": " + what);
    }

    static FailureException unreadable(Path file, IOException e) {
        if (e instanceof NoSuchFileException) {
            return new FailureException(Blame.INPUT, "index-missing-file", "opening the index: there is no " + file, e);
        }
        return new FailureException(Blame.NODE, "disk-failed", "reading " + file + ": " + e, e);
    }
}
