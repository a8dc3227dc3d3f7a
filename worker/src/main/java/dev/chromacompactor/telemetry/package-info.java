/** What a worker tells of itself: keys of log lines, metrics and where they go. */
@NullMarked
package dev.chromacompactor.telemetry;

import org.jspecify.annotations.NullMarked;
