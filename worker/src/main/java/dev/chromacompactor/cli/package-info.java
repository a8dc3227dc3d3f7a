/** The commands. */
@NullMarked
package dev.chromacompactor.cli;

import org.jspecify.annotations.NullMarked;
