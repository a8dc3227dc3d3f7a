package dev.chromacompactor.store;

/** Buckets by name, all reached with the same credentials and endpoint. */
public interface ObjectStores {
    ObjectStore bucket(String name);
}
