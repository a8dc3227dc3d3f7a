/**
 * For those who upload deltas: find what is not published yet, plan a batch, send it. {@link
 * dev.chromacompactor.producer.Producer} is where to begin; other languages send the messages as plain JSON.
 */
@NullMarked
package dev.chromacompactor.producer;

import org.jspecify.annotations.NullMarked;
