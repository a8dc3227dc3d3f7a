/** What operators tell the workers through the bucket: pause, and go on. */
@NullMarked
package dev.chromacompactor.control;

import org.jspecify.annotations.NullMarked;
