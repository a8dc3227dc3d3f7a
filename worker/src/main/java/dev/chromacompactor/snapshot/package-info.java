/** Published versions: manifest, catalogue, and the one conditional pointer write. */
@NullMarked
package dev.chromacompactor.snapshot;

import org.jspecify.annotations.NullMarked;
