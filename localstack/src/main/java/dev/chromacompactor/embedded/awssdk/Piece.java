package dev.chromacompactor.embedded.awssdk;

/**
 * Where in its file a body or a part of one lies.
 *
 * @param from offset in bytes, as is {@code length}
 */
record Piece(long from, long length) {}
