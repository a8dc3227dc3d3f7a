package dev.chromacompactor.message;

import java.util.List;

/** Sends further stage messages; implemented by the queue. */
public interface Sender {
    /** Sends each body; returns when all are accepted, throws {@code DEPENDENCY} otherwise (some may have been). */
    void send(List<String> bodies);
}
