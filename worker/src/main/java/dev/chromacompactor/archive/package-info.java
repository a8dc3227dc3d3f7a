/** Tar archives in, bounded and path-safe. */
@NullMarked
package dev.chromacompactor.archive;

import org.jspecify.annotations.NullMarked;
