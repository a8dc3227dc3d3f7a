/** Chroma's own files on local disk: reading, checking, folding. No AWS. */
@NullMarked
package dev.chromacompactor.chroma;

import org.jspecify.annotations.NullMarked;
