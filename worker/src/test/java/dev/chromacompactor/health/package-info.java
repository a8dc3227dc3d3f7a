@NullMarked
package dev.chromacompactor.health;

import org.jspecify.annotations.NullMarked;
