package dev.chromacompactor.compaction;

import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Publisher;
import dev.chromacompactor.telemetry.Keys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Versions that this worker published and still has on its disk, the last one of each database, so that the next
 * publish need not download its base.
 *
 * <p>A directory is in one place only: it moves here when its version is committed, and into the scratch of the next
 * publish, which works on it in place. If that one fails, its successor downloads. What is handed out is believed only if
 * every byte of it is what the manifest in the bucket says.
 *
 * <p>Whatever is kept goes, the least recently published database first, as soon as a job needs the room: see {@link Budget}.
 */
public final class WarmBases {
    private static final Logger log = LoggerFactory.getLogger(WarmBases.class);

    private record Kept(String version, Path directory, long bytes) {}

    private final Path root;
    private final long most;
    /** By database, in the order in which they were published. */
    private final Map<String, Kept> kept = new LinkedHashMap<>();

    /**
     * @param root made when it is needed, on the disk of the jobs
     * @param most bytes that are kept together
     */
    WarmBases(Path root, long most) {
        this.root = root;
        this.most = most;
    }

    synchronized long bytes() {
        return kept.values().stream().mapToLong(Kept::bytes).sum();
    }

    /** Takes over the directory of a version that the pointer names now; nobody writes to it any more. */
    public synchronized void keep(Manifest published, Path directory) {
        String database = published.database();
        drop(database);
        long bytes = published.contents().files().stream()
                .mapToLong(Manifest.StoredFile::size)
                .sum();
        if (bytes > most) {
            return;
        }
        Path target = root.resolve(published.version());
        try {
            Files.createDirectories(root);
            Files.move(directory, target);
        } catch (IOException e) {
            log.atInfo()
                    .addKeyValue(Keys.DATABASE, database)
                    .addKeyValue(Keys.MESSAGE, e)
                    .log("published version not kept on disk");
            return;
        }
        kept.put(database, new Kept(published.version(), target, bytes));
        while (bytes() > most) {
            dropOldest();
        }
    }

    /**
     * Hands out what is kept of a database, for good.
     *
     * @param into exists and is empty, and still is if the answer is false
     * @return whether the version lies there now, byte for byte
     */
    boolean moveTo(Manifest wanted, Path into) {
        synchronized (this) {
            Kept found = kept.get(wanted.database());
            if (found == null) {
                return false;
            }
            if (!found.version().equals(wanted.version())) {
                drop(wanted.database());
                return false;
            }
            kept.remove(wanted.database());
            try {
                Files.move(found.directory(), into, StandardCopyOption.REPLACE_EXISTING);
            } catch (IOException e) {
                log.atWarn().addKeyValue(Keys.MESSAGE, e).log("kept version not found, downloaded anew");
                Scratch.deleteTree(found.directory());
                Scratch.empty(into);
                return false;
            }
        }
        if (Set.copyOf(Publisher.describe(into))
                .equals(Set.copyOf(wanted.contents().files()))) {
            return true;
        }
        log.atWarn()
                .addKeyValue(Keys.DATABASE, wanted.database())
                .addKeyValue(Keys.VERSION, wanted.version())
                .log("kept version is not what its manifest says, downloaded anew");
        Scratch.empty(into);
        return false;
    }

    /** @return false if nothing is kept */
    synchronized boolean dropOldest() {
        var oldest = kept.keySet().stream().findFirst();
        oldest.ifPresent(this::drop);
        return oldest.isPresent();
    }

    private void drop(String database) {
        Kept dropped = kept.remove(database);
        if (dropped != null) {
            Scratch.deleteTree(dropped.directory());
        }
    }
}
