package dev.chromacompactor.batch;

import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.Transfers;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** Which databases a bucket holds: the folders that have deltas, snapshots or open batches below them. */
public final class Databases {
    private static final Set<String> OURS = Set.of("batches/", "intermediate/", "control/", "attempts/");
    private static final Set<String> MARKS = Set.of("delta/", "snapshot/", "open/");

    private Databases() {}

    /** Their names, sorted. One listing a folder of the bucket. */
    public static List<String> in(ObjectStore store) {
        List<String> folders = store.folders("").stream()
                .filter(folder -> !OURS.contains(folder))
                .toList();
        return Transfers.each(
                        folders, folder -> isDatabase(store, folder) ? folder.substring(0, folder.length() - 1) : "")
                .stream()
                .filter(name -> !Objects.equals(name, ""))
                .sorted()
                .toList();
    }

    private static boolean isDatabase(ObjectStore store, String folder) {
        return store.folders(folder).stream().anyMatch(MARKS::contains);
    }
}
