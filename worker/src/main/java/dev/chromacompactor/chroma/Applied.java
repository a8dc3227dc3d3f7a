package dev.chromacompactor.chroma;

import java.util.Map;

/**
 * What one input did to a fold.
 *
 * @param ledger of all its records
 * @param perCollection the same by the name of the collection they went to, in the input's order
 */
public record Applied(Ledger ledger, Map<String, Ledger> perCollection) {
    static Applied of(Map<String, Ledger> perCollection) {
        return new Applied(perCollection.values().stream().reduce(Ledger.ZERO, Ledger::plus), perCollection);
    }
}
