/** The SQS side: receive loop, visibility, acknowledgement by outcome, dead letters. The only importer of the SQS SDK. */
@NullMarked
package dev.chromacompactor.queue;

import org.jspecify.annotations.NullMarked;
