package dev.chromacompactor.snapshot;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Publishes the content of an earlier version again: a new version with a new number, as {@code git revert} does and {@code
 * reset} does not. The pointer never gets back a value that it had, so nobody who read that value long ago can win by it;
 * and a reader that compares numbers never goes back.
 *
 * <p>What the live version has and the earlier one has not is listed as revoked, and stays out until it is released,
 * whoever sends it again. Whatever is built on the live version at the moment loses its race and is joined with the
 * reverted content, but for what is revoked.
 *
 * <p>A pause does not hold it up: who rolls back has paused for that. If it dies, nothing has happened, or all of it has.
 */
public final class Rollback {
    private final SnapshotCatalog catalog;
    private final Publisher publisher;
    private final String database;
    private final String build;

    /** @param build what the manifest names as its maker */
    public Rollback(ObjectStore store, String database, String build) {
        this.catalog = new SnapshotCatalog(store, database);
        this.publisher = new Publisher(store, database);
        this.database = database;
        this.build = build;
    }

    /**
     * What a rollback would do.
     *
     * @param live as it was read; its files may be damaged
     * @param target the version whose content comes back
     * @param done the live version has that content already, made by an earlier rollback to the same version
     * @param lineage the new version's
     */
    public record Plan(Live.Ours live, Manifest target, boolean done, Lineage lineage) {
        /** Chunks that are inside and will not be any more. */
        public List<ChunkName> takenOut() {
            var inside = live.manifest().lineage().names();
            return lineage.revoked().chunks().stream()
                    .map(Lineage.Chunk::name)
                    .filter(inside::contains)
                    .toList();
        }

        /** Chunks that were revoked before, and that the target brings back. */
        public List<ChunkName> broughtBack() {
            var inside = lineage.names();
            return live.manifest().lineage().revoked().chunks().stream()
                    .map(Lineage.Chunk::name)
                    .filter(inside::contains)
                    .toList();
        }
    }

    /**
     * Looks only.
     *
     * @param expected the version that the operator believes to be live; null: whichever it is
     * @throws FailureException {@code INPUT}: {@code version-unknown}, {@code version-live} if it is the live one itself, {@code
     *     live-not-expected}, {@code version-foreign} if another writer made the live one, {@code nothing-published};
     *     {@code INVARIANT pointer-missing} and {@code pointer-dangling}
     */
    public Plan plan(String version, @Nullable String expected) {
        Live.Ours live = live();
        Manifest now = live.manifest();
        boolean done = version.equals(now.reverts());
        boolean retried = done && Objects.equals(expected, now.base());
        if (expected != null && !expected.equals(live.version()) && !retried) {
            throw FailureException.input(
                    "live-not-expected",
                    "roll back " + database + ": " + live.version() + " is live, not " + expected
                            + "; look at it, then say so");
        }
        if (version.equals(live.version())) {
            throw FailureException.input("version-live", "roll back " + database + ": " + version + " is live already");
        }
        Manifest target = catalog.load(version)
                .orElseThrow(() -> FailureException.input(
                        "version-unknown",
                        "roll back " + database + ": there is no version " + version
                                + " with a manifest of ours; see snapshot list"));
        return new Plan(live, target, done, now.lineage().revertedTo(target.lineage()));
    }

    private Live.Ours live() {
        return switch (catalog.liveAsNamed()) {
            case Live.Ours ours -> ours;
            case Live.Foreign foreign ->
                throw FailureException.input(
                        "version-foreign",
                        "roll back " + database + ": the live version " + foreign.version()
                                + " was made by another writer; what it is made of is unknown");
            case Live.None _ ->
                throw FailureException.input(
                        "nothing-published", "roll back " + database + ": nothing was published yet");
        };
    }

    /**
     * Copies, reads all of it back, and moves the pointer if it still names the version of the plan.
     *
     * @return the version that is live now
     * @throws FailureException {@code CONFLICT pointer-moved} if another version was published meanwhile: nothing has
     *     changed; {@code INPUT version-unknown} if the target was collected meanwhile; {@code INVARIANT upload-differs} if
     *     the target is damaged
     */
    public Manifest run(Plan plan) {
        if (plan.done()) {
            return plan.live().manifest();
        }
        Manifest target = plan.target();
        Manifest mine = new Manifest(
                Manifest.FORMAT,
                database,
                publisher.freshVersion(plan.live()),
                plan.live().seq() + 1,
                plan.live().version(),
                target.version(),
                target.contents().copied(),
                plan.lineage(),
                Map.of(),
                build);
        publisher.copy(target.version(), mine);
        return switch (publisher.commit(plan.live(), mine)) {
            case CommitOutcome.Committed _ -> mine;
            case CommitOutcome.LostRace lost ->
                throw new FailureException(
                        Blame.CONFLICT,
                        "pointer-moved",
                        "roll back " + database + " to " + target.version() + ": " + lost.why()
                                + "; nothing was rolled back, look at what is live now");
        };
    }
}
