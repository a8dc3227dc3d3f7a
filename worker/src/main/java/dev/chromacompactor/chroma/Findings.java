package dev.chromacompactor.chroma;

/**
 * What is odd about a collection without being wrong; for receipts.
 *
 * @param ignoredUpdates updates in the WAL of ids that did not exist at that time: Chroma keeps the row and does nothing
 * @param positionsWithoutTrace WAL positions that neither a record nor a row of the WAL names any more. Most belong to
 *     records written again later; deletes of ids the delta never held hide among them too
 */
public record Findings(long ignoredUpdates, long positionsWithoutTrace) {}
