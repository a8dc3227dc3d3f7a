/** The object store: reads, conditional writes, listings. The only importer of the S3 SDK. */
@NullMarked
package dev.chromacompactor.store;

import org.jspecify.annotations.NullMarked;
