package dev.chromacompactor.job;

import dev.chromacompactor.failure.Failure;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What outlives a worker: a mark for each attempt at a message that has not come to a clean end. Marks of a message are told apart by
 * its receive count, so each attempt writes and removes only its own.
 */
public interface AttemptMarks {
    /** Remembers nothing. */
    AttemptMarks NONE = new AttemptMarks() {
        @Override
        public List<Mark> of(String messageId) {
            return List.of();
        }

        @Override
        public void open(String messageId, Mark mark) {}

        @Override
        public void close(String messageId, Mark mark) {}

        @Override
        public void remove(String messageId, Collection<Integer> receives) {}
    };

    /**
     * @param receive which receive of the message it was, from 1
     * @param at when it was written
     * @param build of the worker
     * @param failure how the attempt ended; null: nobody said, the worker is at it or died of it
     * @param fingerprint the same for the same failure; null without one
     */
    record Mark(
            int receive,
            Instant at,
            String build,
            @Nullable Failure failure,
            @Nullable String fingerprint) {}

    /** Every mark of the message, in the order of its receives. */
    List<Mark> of(String messageId);

    /** An attempt begins. Create-only: a mark that is there stays. */
    void open(String messageId, Mark mark);

    /** The attempt ended by a fault of the input; in place of the mark that it began with, if there is one. */
    void close(String messageId, Mark mark);

    /** The attempts of these receives count for nothing, or the message is settled. */
    void remove(String messageId, Collection<Integer> receives);
}
