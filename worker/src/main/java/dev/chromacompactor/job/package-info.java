/** One message becomes one job; every failure becomes one outcome. */
@NullMarked
package dev.chromacompactor.job;

import org.jspecify.annotations.NullMarked;
