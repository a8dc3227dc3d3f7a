/** What operators tell the workers: pause and go on through the bucket, let in again through bucket and queue. */
@NullMarked
package dev.chromacompactor.control;

import org.jspecify.annotations.NullMarked;
