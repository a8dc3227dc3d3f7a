/** What can go wrong and whose fault it is: one vocabulary for log, metric, dead letter, receipt and exit code. */
@NullMarked
package dev.chromacompactor.failure;

import org.jspecify.annotations.NullMarked;
