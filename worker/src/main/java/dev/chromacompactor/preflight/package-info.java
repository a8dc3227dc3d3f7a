/** What must be right before a worker starts: facts asked of queue, bucket and machine, and pure checks over them. */
@NullMarked
package dev.chromacompactor.preflight;

import org.jspecify.annotations.NullMarked;
