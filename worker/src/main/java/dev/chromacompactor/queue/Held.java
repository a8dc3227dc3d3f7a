package dev.chromacompactor.queue;

/** A message that is being worked on. */
record Held(ReceivedMessage message, Lease lease, BodySummary summary) {}
