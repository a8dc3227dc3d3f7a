package dev.chromacompactor.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;

/** A database of versions without Chroma files, with a clock that stands still until it is moved. */
final class Versions {
    static final String POINTER = "words/snapshot/latest-pointer.txt";
    static final String FOLDER = "words/snapshot/timestamped/";
    static final String DOOM_LIST = "words/snapshot/gc.json";
    static final String PINS = "words/snapshot/pins/";

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-11-24T08:00:00Z"));
    final MemoryObjectStore store = new MemoryObjectStore("bucket", now::get);
    final SnapshotCatalog catalog = new SnapshotCatalog(store, "words");
    final Publisher publisher = new Publisher(store, "words");
    final Pins pins = new Pins(store, "words");
    final Rollback rollback = new Rollback(store, "words", "test");

    void later(Duration by) {
        now.updateAndGet(before -> before.plus(by));
    }

    Live.Ours live() {
        return (Live.Ours) catalog.live();
    }

    /** Publishes a version with these chunks on top, a minute after the one before. */
    String publish(String... chunks) {
        Live base = catalog.live();
        Manifest mine = uploaded(base, chunks);
        var committed = (CommitOutcome.Committed) publisher.commit(base, mine);
        later(Duration.ofMinutes(1));
        return committed.version();
    }

    /** Uploads a version on {@code base}, and leaves the pointer alone. */
    Manifest uploaded(Live base, String... chunks) {
        String text = "files of " + String.join(", ", chunks);
        Manifest mine = Manifests.next(publisher, now::get, base, List.of(file(text)), chunks);
        String prefix = catalog.prefix(mine.version());
        store.put(prefix + "segment/data.bin", text.getBytes(UTF_8));
        store.put(prefix + Manifest.FILE, mine.bytes());
        return mine;
    }

    private static Manifest.StoredFile file(String text) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
            return new Manifest.StoredFile(
                    "segment/data.bin",
                    text.getBytes(UTF_8).length,
                    HexFormat.of().formatHex(digest));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    VersionCollector collector(int versions, Duration superseded) {
        return new VersionCollector(store, "words", new Keep(versions, superseded));
    }

    /** With nothing kept but what is live. */
    VersionCollector.Collected collect() {
        return collector(1, Duration.ZERO).collect((_, _, _) -> {});
    }

    Pins.Pin pin(String version) {
        return new Pins.Pin(version, "a test", "nobody", now.get());
    }

    /** The versions of which anything is there. */
    List<String> there() {
        return new ArrayList<>(catalog.ids());
    }

    boolean whole(String version) {
        return catalog.isWhole(version) && catalog.verify(version).isEmpty();
    }

    /** Everything in the bucket, by key. */
    Map<String, String> objects() {
        var objects = new TreeMap<String, String>();
        for (ObjectInfo info : store.list("")) {
            objects.put(info.key(), info.etag());
        }
        return objects;
    }
}
