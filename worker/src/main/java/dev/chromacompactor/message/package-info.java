/** The wire format: sealed messages, a strict parser, and how further messages are sent. Pure, no AWS. */
@NullMarked
package dev.chromacompactor.message;

import org.jspecify.annotations.NullMarked;
