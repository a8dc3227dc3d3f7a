/** What idle workers do by themselves: send again what got lost, take away what nobody needs any more. */
@NullMarked
package dev.chromacompactor.upkeep;

import org.jspecify.annotations.NullMarked;
