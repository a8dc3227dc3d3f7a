/** SQS and S3 inside this process. */
@NullMarked
package dev.chromacompactor.embedded;

import org.jspecify.annotations.NullMarked;
