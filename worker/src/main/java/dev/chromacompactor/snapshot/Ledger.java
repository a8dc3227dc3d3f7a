package dev.chromacompactor.snapshot;

/**
 * What a merge did, counted in records.
 *
 * @param base records before
 * @param in entries that came in: records and deletes
 * @param added records that were not there before
 * @param merged records that were there and changed
 * @param stale records that changed nothing, being older than what was there
 * @param deletesEffective deletes that took a record out
 * @param deletesIdle deletes that met no record, or only a newer one
 * @param refused records older than the horizon
 * @param out records after
 */
public record Ledger(
        long base,
        long in,
        long added,
        long merged,
        long stale,
        long deletesEffective,
        long deletesIdle,
        long refused,
        long out) {
    /** Both sums hold; a ledger that does not balance must never be published. */
    public boolean balances() {
        return in == added + merged + stale + deletesEffective + deletesIdle + refused
                && out == base + added - deletesEffective;
    }
}
