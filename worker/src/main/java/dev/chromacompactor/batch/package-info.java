/** Plans, receipts and fan-in of a batch, kept in the bucket. */
@NullMarked
package dev.chromacompactor.batch;

import org.jspecify.annotations.NullMarked;
