/** What the deployment promises, held against the code that runs there. */
@NullMarked
package dev.chromacompactor.deploy;

import org.jspecify.annotations.NullMarked;
