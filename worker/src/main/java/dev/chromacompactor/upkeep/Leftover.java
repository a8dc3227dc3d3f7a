package dev.chromacompactor.upkeep;

import dev.chromacompactor.store.ObjectStore.OpenUpload;
import org.jspecify.annotations.Nullable;

/**
 * Something that nobody needs any more.
 *
 * @param bytes of the object; 0 for an upload, whose parts are not listed
 * @param upload to be given up; null: an object to be deleted
 */
public record Leftover(
        Kind kind, String key, long bytes, @Nullable OpenUpload upload) {
    /** What it was, and how it is called in metrics and on the command line. */
    public enum Kind {
        /** Of chunks and groups. */
        INTERMEDIATE("intermediate"),
        /** Receipts, plans and what the sweeper noted, of batches that are closed. */
        RECEIPT("receipt"),
        /** Of attempts at messages that SQS has forgotten. */
        MARK("mark"),
        /** In parts, never ended. */
        UPLOAD("upload");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        public String label() {
            return label;
        }
    }
}
