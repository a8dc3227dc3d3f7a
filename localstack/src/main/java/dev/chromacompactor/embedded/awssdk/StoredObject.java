package dev.chromacompactor.embedded.awssdk;

import java.nio.file.Path;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * One object as it is now; replaced, never changed.
 *
 * @param headers what a read answers: size, quoted ETag, LastModified, SHA-256 if known, content headers, user metadata
 */
record StoredObject(GetObjectResponse headers, Path file) {
    String etag() {
        return headers.eTag();
    }

    long size() {
        return headers.contentLength();
    }
}
