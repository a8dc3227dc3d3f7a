package dev.chromacompactor.snapshot;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Versions that must stay, whatever their age: an object {@code <db>/snapshot/pins/<version>} each.
 *
 * <p>A pin is written first, and only then is the doom list read; a collector writes the doom list first, and only then
 * reads the pins. So one of the two always sees the other: a pin that was accepted holds. A collector goes by the key
 * alone, so an object that somebody put there by hand is a pin too.
 */
public final class Pins {
    private static final int FORMAT = 1;

    private final ObjectStore store;
    private final SnapshotCatalog catalog;
    private final DoomList doomed;

    public Pins(ObjectStore store, String database) {
        this.store = store;
        this.catalog = new SnapshotCatalog(store, database);
        this.doomed = new DoomList(store, database);
    }

    /**
     * Why a version is pinned; {@code <db>/snapshot/pins/<version>} as JSON.
     *
     * @param by who asked, as his machine names him
     * @param since milliseconds
     */
    public record Pin(
            int format,
            String version,
            String reason,
            @Nullable String by,
            long since) {
        public Pin {
            Objects.requireNonNull(version, "version");
            reason = Objects.requireNonNullElse(reason, "");
        }

        public Pin(String version, String reason, @Nullable String by, Instant since) {
            this(FORMAT, version, reason, by, since.toEpochMilli());
        }
    }

    /** The pinned versions, sorted. */
    public List<String> versions() {
        var versions = new TreeSet<String>();
        store.list(folder(), info -> versions.add(info.key().substring(folder().length())));
        return List.copyOf(versions);
    }

    /** What the pin of a version says; empty if there is none, or if it is none of ours and says nothing. */
    public Optional<Pin> read(String version) {
        return store.read(key(version)).flatMap(content -> {
            try {
                return Optional.of(Json.read(content.bytes(), Pin.class, key(version)));
            } catch (FailureException e) {
                return Optional.empty();
            }
        });
    }

    /**
     * Pins a version. When this returns, the version stays until it is unpinned.
     *
     * @return false if it was pinned before; that pin stays as it is
     * @throws FailureException {@code INPUT version-unknown} if it is gone, or is none of ours; {@code INPUT
     *     version-doomed} if a collector is about to delete it. As long as the version is whole the pin is left: somebody
     *     else may just have been told that it holds. Whoever deletes the version takes it away
     */
    public boolean pin(Pin pin) {
        byte[] body = Json.write(pin);
        boolean mine = Arrays.equals(store.settle(key(pin.version()), body), body);
        boolean dies = doomed.versions().contains(pin.version());
        boolean whole = catalog.isWhole(pin.version());
        if (!dies && whole) {
            return mine;
        }
        if (mine && !whole) {
            remove(List.of(pin.version()));
        }
        throw dies
                ? FailureException.input(
                        "version-doomed",
                        "pin " + pin.version() + ": it is about to be collected"
                                + "; if it is still there afterwards, it is pinned: see snapshot list")
                : FailureException.input(
                        "version-unknown",
                        "pin " + pin.version()
                                + ": no whole version of that id with a manifest of ours; see snapshot list");
    }

    /** Takes away the pins of versions that are not whole, and so never will be. */
    void remove(List<String> versions) {
        store.delete(versions.stream().map(this::key).toList());
    }

    /** @return false if it was not pinned */
    public boolean unpin(String version) {
        boolean there = store.head(key(version)).map(ObjectInfo::key).isPresent();
        store.delete(List.of(key(version)));
        return there;
    }

    private String key(String version) {
        return folder() + version;
    }

    private String folder() {
        return catalog.folder() + "pins/";
    }
}
