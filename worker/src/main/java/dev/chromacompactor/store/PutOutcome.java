package dev.chromacompactor.store;

/** The answer of a conditional write. */
public sealed interface PutOutcome {
    /** Written, durable. */
    record Won(String etag) implements PutOutcome {}

    /** Not written, the condition was false: 412, or 404 for an If-Match on a missing key. */
    record Lost() implements PutOutcome {}

    /** Nobody knows: timeout, 5xx, 409. Read to find out; it may even be applied later. */
    record Unknown(String why) implements PutOutcome {}
}
