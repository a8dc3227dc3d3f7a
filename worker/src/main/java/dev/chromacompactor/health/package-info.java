/** Whether a worker lives, is ready, and what it counts: over HTTP, for whoever may restart it. */
@NullMarked
package dev.chromacompactor.health;

import org.jspecify.annotations.NullMarked;
