package dev.chromacompactor.batch;

/** One message that an open batch needs now. */
public sealed interface Next {
    /** {@code process_chunk}, from the plan. */
    record Chunk(int index) implements Next {}

    /** {@code merge_chunk_group}, from the plan. */
    record Group(int index) implements Next {}

    /** {@code final_merge}. */
    record Publish() implements Next {}
}
