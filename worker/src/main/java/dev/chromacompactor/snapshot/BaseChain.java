package dev.chromacompactor.snapshot;

import dev.chromacompactor.snapshot.Verdict.Fate;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The versions that were live, from the live one down, as far as they have to stay. Each manifest is read once and let
 * go of.
 *
 * <p>When a version was superseded is known only roughly: its successor was committed some time before the successor of
 * that one got its id. This time is taken, so a version may stay longer than asked for, never shorter.
 */
final class BaseChain {
    private final SnapshotCatalog catalog;
    private final Keep keep;
    private final Instant now;
    private final Map<String, Verdict> kept = new HashMap<>();
    private boolean gap;
    private @Nullable Instant takenOver;

    /** @param pointed when the pointer was written last */
    BaseChain(SnapshotCatalog catalog, Keep keep, Instant now, Manifest live, Instant pointed) {
        this.catalog = catalog;
        this.keep = keep;
        this.now = now;
        kept.put(live.version(), new Verdict(live.version(), Fate.LIVE, "live"));
        walk(live, pointed);
    }

    private void walk(Manifest live, Instant pointed) {
        Manifest above = live;
        Instant superseded = pointed;
        while (above.base() != null) {
            String base = above.base();
            boolean newest = kept.size() < keep.versions();
            if (!newest && !lately(superseded)) {
                return;
            }
            if (above.seq() == 1) {
                // What it was built on is not ours; what was ours before that is not on this chain.
                takenOver = VersionId.time(above.version()).orElse(now);
                return;
            }
            Optional<Manifest> manifest = catalog.load(base);
            if (manifest.isEmpty()) {
                gap = true;
                return;
            }
            kept.put(base, newest ? newest(base) : lately(base, superseded));
            superseded = VersionId.time(above.version()).orElse(now).plusSeconds(1);
            above = manifest.get();
        }
    }

    /** Why it stays, if it does. */
    Optional<Verdict> kept(String version) {
        return Optional.ofNullable(kept.get(version));
    }

    /** The same for a version of ours that is not among those, and not numbered above the live one. */
    Optional<Verdict> keptBeside(String version) {
        if (gap) {
            return Optional.of(new Verdict(
                    version,
                    Fate.BELOW_GAP,
                    "a version between it and the live one is missing; goes when newer ones fill what is to be kept"));
        }
        Instant superseded = takenOver;
        if (superseded == null || !lately(superseded)) {
            return Optional.empty();
        }
        return VersionId.time(version).filter(superseded::isAfter).map(_ -> lately(version, superseded));
    }

    private boolean lately(Instant superseded) {
        return superseded.isAfter(now.minus(keep.superseded()));
    }

    private Verdict newest(String version) {
        return new Verdict(version, Fate.NEWEST, "among the newest " + keep.versions());
    }

    private Verdict lately(String version, Instant superseded) {
        return new Verdict(
                version, Fate.LATELY, "superseded no later than " + superseded + ", stays for " + keep.superseded());
    }
}
