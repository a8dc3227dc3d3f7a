/** The command and the one place where everything is wired together. */
@NullMarked
package dev.chromacompactor;

import org.jspecify.annotations.NullMarked;
