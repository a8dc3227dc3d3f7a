/** The recipe: fetch, validate, fold, index, close, verify, upload. Reads top to bottom. */
@NullMarked
package dev.chromacompactor.compaction;

import org.jspecify.annotations.NullMarked;
