/**
 * What the embedded S3 stores. S3Proxy tells what a store can do by looking for {@code .awssdk.} and the like in its
 * class name; only such a store is handed the conditions of a write to judge itself, so the package bears that name.
 */
@NullMarked
package dev.chromacompactor.embedded.awssdk;

import org.jspecify.annotations.NullMarked;
