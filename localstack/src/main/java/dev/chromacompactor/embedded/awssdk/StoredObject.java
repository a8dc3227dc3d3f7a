package dev.chromacompactor.embedded.awssdk;

import java.nio.file.Path;
import java.util.List;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * One object as it is now; replaced, never changed.
 *
 * @param headers what a read answers: size, quoted ETag, LastModified, CRC-32 if known, content headers, user metadata
 * @param file its own, which may hold more than the object
 * @param body the bytes of the object, in their order
 */
record StoredObject(GetObjectResponse headers, Path file, List<Piece> body) {
    String etag() {
        return headers.eTag();
    }

    long size() {
        return headers.contentLength();
    }
}
