package dev.chromacompactor.job;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.ObjectRef;
import java.io.IOException;
import java.io.InputStream;

/**
 * A file of a plan, which a message names in place of a list.
 *
 * @param field of the message
 */
record PlanFile(String field, ObjectRef file) {
    /** Reads one part of it. */
    @FunctionalInterface
    interface Reader<T> {
        /** @param where it lies, for errors */
        T read(InputStream in, String where) throws IOException;
    }

    <T> T read(Tools tools, Reader<T> reader) {
        String where = tools.where(file);
        try (InputStream in = tools.store(file.bucket())
                .open(file.key())
                .orElseThrow(() ->
                        FailureException.input("plan-missing", field + " names " + where + ", which is not there"))) {
            return reader.read(in, where);
        } catch (IOException e) {
            throw new FailureException(Blame.DEPENDENCY, "s3-read-broken", "read " + where + ": " + e.getMessage(), e);
        }
    }
}
