package dev.chromacompactor.batch;

import org.jspecify.annotations.Nullable;

/** What a producer wants to see again in receipt and event, unread by us. */
public record PollResults(@Nullable String bucket, String key) {}
