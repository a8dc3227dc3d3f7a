package dev.chromacompactor.compaction;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.Sha256;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An intermediate in the bucket.
 *
 * @param key prefix with a trailing slash; the one object below it is {@code chroma.sqlite3}
 * @param etag of that object, as its receipt names it
 * @param sha256 as its receipt names it; null if there is no receipt
 */
public record IntermediateRef(
        String key, String etag, @Nullable String sha256) {
    public String objectKey() {
        return key + "chroma.sqlite3";
    }

    /**
     * Downloads it into the empty directory {@code into} and checks that it is the one the receipt names.
     *
     * @throws FailureException DOUBTFUL {@code intermediate-altered} if its bytes are not those of the receipt
     */
    public Path fetch(ObjectStore store, Path into) {
        Path file = into.resolve("chroma.sqlite3");
        store.download(objectKey(), etag, file);
        String actual = sha256 == null ? null : Sha256.of(file);
        if (actual != null && !actual.equals(sha256)) {
            throw new FailureException(
                    Blame.DOUBTFUL,
                    "intermediate-altered",
                    "intermediate " + objectKey() + " has SHA-256 " + actual + ", its receipt says " + sha256);
        }
        return into;
    }
}
