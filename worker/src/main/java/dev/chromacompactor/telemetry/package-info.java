/** Names of log keys. */
@NullMarked
package dev.chromacompactor.telemetry;

import org.jspecify.annotations.NullMarked;
