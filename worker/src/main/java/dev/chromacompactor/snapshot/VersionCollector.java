package dev.chromacompactor.snapshot;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Verdict.Fate;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.telemetry.Keys;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes the versions of a database that nothing refers to and nothing can refer to any more. No clock decides that,
 * but the sequence number: the pointer write of a version numbered one above the live one may still be under way, however
 * old it is; one with the live number or less can never win again.
 *
 * <p>In this order: read the pointer, doom what is dead, <em>then</em> look at the {@link Pins}, delete what is not pinned, the
 * manifest first, and take it off the list. A crash between any two steps leaves work for the next run, and any number of
 * collectors may run at once. A pointer that is missing, or that names nothing, is an alarm, and nothing is deleted.
 */
public final class VersionCollector {
    private static final Logger log = LoggerFactory.getLogger(VersionCollector.class);
    /** Keys held at once; a version of any size costs no more. */
    private static final int DELETED_AT_ONCE = 1000;

    private final ObjectStore store;
    private final SnapshotCatalog catalog;
    private final Pins pins;
    private final DoomList doomed;
    private final String database;
    private final Keep keep;

    public VersionCollector(ObjectStore store, String database, Keep keep) {
        this.store = store;
        this.catalog = new SnapshotCatalog(store, database);
        this.pins = new Pins(store, database);
        this.doomed = new DoomList(store, database);
        this.database = database;
        this.keep = keep;
    }

    /** Told after each version that was deleted. */
    @FunctionalInterface
    public interface Progress {
        void deleted(String version, int done, int of);
    }

    /**
     * What a collection did.
     *
     * @param verdicts on every version, newest first; a dead one was deleted
     * @param objects deleted
     * @param bytes deleted
     */
    public record Collected(List<Verdict> verdicts, long objects, long bytes) {
        public Collected {
            verdicts = List.copyOf(verdicts);
        }

        public List<String> deleted() {
            return dead(verdicts);
        }
    }

    /**
     * What becomes of each version, newest first: one reason each. Reads only.
     *
     * @throws FailureException as {@link SnapshotCatalog#live()} does
     */
    public List<Verdict> plan() {
        Live live = catalog.live();
        Instant now = store.now();
        Set<String> pinned = Set.copyOf(pins.versions());
        BaseChain chain = live instanceof Live.Ours ours
                ? new BaseChain(catalog, keep, now, ours.manifest(), pointed(ours, now))
                : null;
        return catalog.ids().stream()
                .sorted(Comparator.reverseOrder())
                .map(version -> verdict(version, live, chain, pinned))
                .toList();
    }

    /** When the pointer was written last; if it was written meanwhile, now. */
    private Instant pointed(Live.Ours live, Instant now) {
        return store.head(catalog.pointerKey())
                .filter(info -> info.etag().equals(live.pointerEtag()))
                .map(ObjectInfo::lastModified)
                .orElse(now);
    }

    private Verdict verdict(String version, Live live, @Nullable BaseChain chain, Set<String> pinned) {
        if (live instanceof Live.Foreign foreign && foreign.version().equals(version)) {
            return new Verdict(version, Fate.LIVE, "live, made by another writer");
        }
        var kept = chain == null ? null : chain.kept(version).orElse(null);
        if (kept != null) {
            return kept;
        }
        long seq = VersionId.seq(version).orElse(-1);
        if (seq < 0) {
            return new Verdict(version, Fate.FOREIGN, "made by another writer");
        }
        if (chain == null || seq > live.seq()) {
            return new Verdict(
                    version,
                    Fate.MAY_WIN,
                    "number " + seq + " is above the live " + live.seq() + ": it could still become live");
        }
        boolean whole = catalog.load(version).isPresent();
        if (!whole && catalog.isForeign(version)) {
            return new Verdict(version, Fate.FOREIGN, "made by another writer");
        }
        if (pinned.contains(version)) {
            return pinned(version);
        }
        Optional<Verdict> beside = whole ? chain.keptBeside(version) : Optional.empty();
        return beside.orElseGet(() -> new Verdict(
                version,
                Fate.DEAD,
                (whole ? "number " : "not finished, number ") + seq + ", the live one is " + live.seq()));
    }

    private static Verdict pinned(String version) {
        return new Verdict(version, Fate.PINNED, "pinned");
    }

    private static List<String> dead(List<Verdict> verdicts) {
        return verdicts.stream()
                .filter(each -> each.fate() == Fate.DEAD)
                .map(Verdict::version)
                .toList();
    }

    /**
     * Deletes what is dead.
     *
     * @throws FailureException as {@link #plan()} does; {@code NODE interrupted} between two versions, if this thread is told to
     *     stop: the next run goes on; {@code CONFLICT collection-contended} if too many collect at once
     */
    public Collected collect(Progress progress) {
        // In this order: of what is doomed now and not there in a moment, nothing will ever be there again.
        Set<String> before = doomed.versions();
        List<Verdict> plan = plan();
        if (!before.isEmpty()) {
            Set<String> there = Set.copyOf(catalog.ids());
            doomed.forget(version -> before.contains(version) && !there.contains(version));
        }
        List<String> dead = dead(plan);
        if (dead.isEmpty()) {
            return new Collected(plan, 0, 0);
        }
        String entry = doomed.add(dead, store.now());
        Set<String> pinned = Set.copyOf(pins.versions());
        List<String> doomedNow =
                dead.stream().filter(version -> !pinned.contains(version)).toList();
        var size = new Size();
        for (int done = 0; done < doomedNow.size(); done++) {
            requireNotToldToStop(doomedNow.get(done));
            delete(doomedNow.get(done), size);
            progress.deleted(doomedNow.get(done), done + 1, doomedNow.size());
        }
        // Of those who came too late.
        pins.remove(pins.versions().stream().filter(doomedNow::contains).toList());
        doomed.remove(entry, doomedNow);
        List<Verdict> verdicts = plan.stream()
                .map(each ->
                        each.fate() == Fate.DEAD && pinned.contains(each.version()) ? pinned(each.version()) : each)
                .toList();
        return new Collected(verdicts, size.objects, size.bytes);
    }

    private void requireNotToldToStop(String version) {
        if (Thread.currentThread().isInterrupted()) {
            throw new FailureException(
                    Blame.NODE, "interrupted", "collect versions of " + database + ": told to stop before " + version);
        }
    }

    private static final class Size {
        private long objects;
        private long bytes;
    }

    /** The manifest first: without it, what is left is no version, whoever looks and whenever we die. */
    private void delete(String version, Size size) {
        String prefix = catalog.prefix(version);
        store.head(prefix + Manifest.FILE).ifPresent(info -> {
            store.delete(List.of(info.key()));
            size.objects++;
            size.bytes += info.size();
        });
        var keys = new ArrayList<String>();
        store.list(prefix, info -> {
            keys.add(info.key());
            size.objects++;
            size.bytes += info.size();
            if (keys.size() == DELETED_AT_ONCE) {
                store.delete(keys);
                keys.clear();
            }
        });
        if (!keys.isEmpty()) {
            store.delete(keys);
        }
        log.atInfo()
                .addKeyValue(Keys.DATABASE, database)
                .addKeyValue(Keys.VERSION, version)
                .log("version collected");
    }
}
