package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;

/**
 * What became of the records that were put in; each counts once, in exactly one of the columns.
 *
 * @param in records and deletes read
 * @param added there was no such record before
 * @param merged something of an existing record was replaced or added
 * @param stale everything in it was older than what is there
 * @param deletesEffective a delete took a record away
 * @param deletesIdle a delete of what was not there or is newer
 * @param refused older than the horizon
 */
public record Ledger(
        long in, long added, long merged, long stale, long deletesEffective, long deletesIdle, long refused) {
    public static final Ledger ZERO = new Ledger(0, 0, 0, 0, 0, 0, 0);

    public Ledger {
        if (in != added + merged + stale + deletesEffective + deletesIdle + refused) {
            throw new FailureException(
                    Blame.INVARIANT,
                    "ledger-unbalanced",
                    "read %d records, but added %d, merged %d, stale %d, deletes %d, idle deletes %d, refused %d"
                            .formatted(in, added, merged, stale, deletesEffective, deletesIdle, refused));
        }
    }

    public Ledger plus(Ledger other) {
        return new Ledger(
                in + other.in,
                added + other.added,
                merged + other.merged,
                stale + other.stale,
                deletesEffective + other.deletesEffective,
                deletesIdle + other.deletesIdle,
                refused + other.refused);
    }

    /** By how many records the result grew. */
    public long growth() {
        return added - deletesEffective;
    }

    static final Ledger ADDED = new Ledger(1, 1, 0, 0, 0, 0, 0);
    static final Ledger MERGED = new Ledger(1, 0, 1, 0, 0, 0, 0);
    static final Ledger STALE = new Ledger(1, 0, 0, 1, 0, 0, 0);
    static final Ledger DELETED = new Ledger(1, 0, 0, 0, 1, 0, 0);
    static final Ledger DELETE_IDLE = new Ledger(1, 0, 0, 0, 0, 1, 0);
    static final Ledger REFUSED = new Ledger(1, 0, 0, 0, 0, 0, 1);

    /** Of so many records that are new. */
    static Ledger added(long records) {
        return new Ledger(records, records, 0, 0, 0, 0, 0);
    }

    /** Of so many records that replace older ones. */
    static Ledger merged(long records) {
        return new Ledger(records, 0, records, 0, 0, 0, 0);
    }

    /** The column of one record that turned {@code before} into {@code after}. */
    static Ledger of(Registers before, Registers incoming, Registers after) {
        if (before.exists() != after.exists()) {
            return after.exists() ? ADDED : DELETED;
        }
        if (after.exists() && after.differs(before)) {
            return MERGED;
        }
        return incoming.exists() ? STALE : DELETE_IDLE;
    }
}
