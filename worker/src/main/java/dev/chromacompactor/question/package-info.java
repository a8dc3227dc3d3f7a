/**
 * What people ask: why is this batch not published, where is this delta? Answered from plans, receipts, markers, pauses
 * and the live manifest, in that order of trust; nothing is written, no message is touched.
 */
@NullMarked
package dev.chromacompactor.question;

import org.jspecify.annotations.NullMarked;
