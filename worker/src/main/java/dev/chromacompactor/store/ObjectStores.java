package dev.chromacompactor.store;

import dev.chromacompactor.telemetry.Traffic;

/** Buckets by name, all reached with the same credentials and endpoint. */
public interface ObjectStores {
    ObjectStore bucket(String name);

    /** The same buckets, and every request to them is counted there too; as far as there are requests. */
    default ObjectStores counting(Traffic traffic) {
        return this;
    }
}
