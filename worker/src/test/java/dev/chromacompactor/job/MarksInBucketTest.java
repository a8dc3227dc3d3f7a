package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.job.AttemptMarks.Mark;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.ObjectStore;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class MarksInBucketTest {
    private static final Instant TIME = Instant.parse("2026-11-24T01:02:03Z");
    private static final Failure FAILURE = new Failure(Blame.DOUBTFUL, "download-corrupt", "got 10 of 20 bytes");

    private final ObjectStore store = new MemoryObjectStore("bucket");
    private final AttemptMarks marks = new MarksInBucket(store);

    @Test
    void come_back_as_written_in_the_order_of_receives() {
        var open = new Mark(10, TIME, "build-7", null, null);
        var closed = new Mark(9, TIME, "build-6", FAILURE, "0123456789abcdef");
        marks.open("m1", open);
        marks.open("m1", new Mark(9, TIME, "build-6", null, null));
        marks.close("m1", closed);
        marks.open("m10", open);

        assertThat(marks.of("m1")).containsExactly(closed, open);
        assertThat(marks.of("nobody")).isEmpty();
    }

    @Test
    void one_that_is_there_stays() {
        var closed = new Mark(2, TIME, "build-6", FAILURE, "0123456789abcdef");
        marks.close("m1", closed);
        marks.open("m1", new Mark(2, TIME, "build-7", null, null));

        assertThat(marks.of("m1")).containsExactly(closed);
    }

    @Test
    void lie_by_message_and_receive_and_are_gone_when_removed() {
        marks.open("m1", new Mark(2, TIME, "build-7", null, null));
        marks.open("m1", new Mark(3, TIME, "build-7", null, null));
        assertThat(store.list(""))
                .extracting(ObjectStore.ObjectInfo::key)
                .containsExactly("attempts/m1/2", "attempts/m1/3");

        marks.remove("m1", List.of(2, 4));
        assertThat(store.list("")).extracting(ObjectStore.ObjectInfo::key).containsExactly("attempts/m1/3");
    }
}
