/** Real Chroma in the tests: the same Python client that producers and readers use, in several versions. */
@NullMarked
package dev.chromacompactor.realchroma;

import org.jspecify.annotations.NullMarked;
